//! A table of mistakes, and the one line in which each is told.

use super::{MASTER_KEY, SECRET, load, mistake};

/// What each variable says, a line each.
fn mistakes_of_variables(table: &[(&str, &str)]) -> String {
    let lines = table
        .iter()
        .map(|(name, value)| mistake(load(&[], &[(*name, *value)], "")));
    lines.collect::<Vec<_>>().join("\n")
}

/// And each file.
fn mistakes_of_files(table: &[&str]) -> String {
    let lines = table.iter().map(|toml| mistake(load(&[], &[], toml)));
    lines.collect::<Vec<_>>().join("\n")
}

/// And each command line.
fn mistakes_of_words(table: &[&[&str]]) -> String {
    let lines = table.iter().map(|words| mistake(load(words, &[], "")));
    lines.collect::<Vec<_>>().join("\n")
}

/// Every token carries the issuer, and a cookie has room for only so much.
#[test]
fn an_issuer_has_a_bound() {
    let issuer = |bytes: usize| format!("https://{}", "a".repeat(bytes - "https://".len()));
    assert!(load(&[], &[("RENEWD_ISSUER", &issuer(512))], "").is_ok());
    let line = mistake(load(&[], &[("RENEWD_ISSUER", &issuer(513))], ""));
    assert!(line.ends_with("must have at most 512 bytes"), "{line}");
}

/// A file that never ends is not read to its end.
#[test]
fn a_secret_file_is_read_so_far() {
    let line = mistake(load(&[], &[("ACCESS_TOKEN_SECRET_FILE", "/dev/zero")], ""));
    assert!(line.contains("ACCESS_TOKEN_SECRET"), "{line}");
    assert_eq!(line.lines().count(), 1);
}

#[test]
fn settings_of_keys_are_checked() {
    insta::assert_snapshot!(mistakes_of_variables(&[
        ("RENEWD_KEY_ROTATION", "monthly"),
        ("RENEWD_JWKS_MAX_AGE", "0"),
        ("RENEWD_JWKS_MAX_AGE", "2d"),
        ("RENEWD_RSA_BITS", "1024"),
    ]), @r#"
    RENEWD_KEY_ROTATION: "monthly": not a duration: write 90s, 15m, 1h, 10d or a number of seconds
    RENEWD_JWKS_MAX_AGE: "0": must be from 1s to 1d
    RENEWD_JWKS_MAX_AGE: "2d": must be from 1s to 1d
    RENEWD_RSA_BITS: "1024": must be 2048, 3072 or 4096
    "#);
}

#[test]
fn values_about_the_database_are_checked() {
    insta::assert_snapshot!(mistakes_of_variables(&[
        ("RENEWD_DATABASE_URL", "host=db password=hunter2"),
        ("RENEWD_DATABASE_URL", "postgres://renewd:hunter2/renewd"),
        ("RENEWD_DATABASE_URL", "postgres://db/renewd?password=a&hunter2"),
        ("RENEWD_DATABASE_CONNECTIONS", "0"),
        ("RENEWD_DATABASE_CONNECTIONS", "1001"),
        ("RENEWD_DATABASE_ROTATION_CONNECTIONS", "17"),
        ("RENEWD_DATABASE_CONNECT_TIMEOUT", "0"),
        ("RENEWD_DATABASE_LOCK_TIMEOUT", "61s"),
        ("RENEWD_DATABASE_STATEMENT_TIMEOUT", "11m"),
        ("RENEWD_DATABASE_PATIENCE", "soon"),
    ]), @r#"
    RENEWD_DATABASE_URL: `host=… dbname=…` is no URL: write postgres://USER:PASSWORD@HOST:PORT/DATABASE
    RENEWD_DATABASE_URL: a port in a postgres:// URL is a number from 1 to 65535; user name and password end with @
    RENEWD_DATABASE_URL: parameter 2 after the question mark of the postgres:// URL is none that libpq knows: write NAME=VALUE, with & between them, and percent-encode the values
    RENEWD_DATABASE_CONNECTIONS: "0": must be a number from 1 to 1000
    RENEWD_DATABASE_CONNECTIONS: "1001": must be a number from 1 to 1000
    RENEWD_DATABASE_ROTATION_CONNECTIONS: "17": must be a number from 1 to 16
    RENEWD_DATABASE_CONNECT_TIMEOUT: "0": must be from 1s to 1m
    RENEWD_DATABASE_LOCK_TIMEOUT: "61s": must be from 1s to 10s
    RENEWD_DATABASE_STATEMENT_TIMEOUT: "11m": must be from 1s to 20s
    RENEWD_DATABASE_PATIENCE: "soon": not a duration: write 90s, 15m, 1h, 10d or a number of seconds
    "#);
}

#[test]
fn values_are_checked() {
    insta::assert_snapshot!(mistakes_of_variables(&[
        (
            "RENEWD_DATABASE_URL",
            "mysql://root:hunter2@localhost/renewd"
        ),
        ("DATABASE_URL", ""),
        ("RENEWD_MIGRATE", "yes"),
        ("RENEWD_LISTEN", "nowhere"),
        ("RENEWD_LISTEN", ""),
        ("PORT", "http"),
        ("RENEWD_ALLOWED_ORIGINS", "*"),
        (
            "RENEWD_ALLOWED_ORIGINS",
            "https://a.example.com, https://b.example.com/path"
        ),
        ("RENEWD_TRUSTED_PROXIES", "127.0.0.1, localhost"),
        ("RENEWD_TRUSTED_PROXIES", "0.0.0.0/0"),
        ("RENEWD_ISSUER", "not a url"),
        ("RENEWD_ISSUER", "ftp://example.com"),
        ("RENEWD_ISSUER", "https://example.com/"),
        ("RENEWD_ISSUER", "https://Example.com:443"),
        ("RENEWD_ISSUER", "https://example.com?a=b"),
        ("RENEWD_ISSUER", "https://me@example.com"),
        ("RENEWD_AUDIENCE", ""),
        ("RENEWD_CLOCK_LEEWAY", "61s"),
        ("RENEWD_ACCESS_TOKEN_ALG", "RS512"),
        ("RENEWD_ACCESS_TOKEN_ALG", "none"),
        ("RENEWD_ACCESS_TOKEN_TYP", "rt+jwt"),
        ("ACCESS_TOKEN_EXPIRY", "soon"),
        ("ACCESS_TOKEN_EXPIRY", "0"),
        ("REFRESH_TOKEN_EXPIRY", "10 parsecs\n"),
        ("RENEWD_REFRESH_POLICY", "gliding"),
        ("RENEWD_REUSE_POLICY", ""),
        ("RENEWD_REPLAY_WINDOW", "6m"),
        ("RENEWD_SESSION_MAX_AGE", "0s"),
        ("RENEWD_SESSIONS_PER_USER", "0"),
        ("RENEWD_FEED_MAX_STALENESS", "0"),
        ("RENEWD_FEED_STALE", "ajar"),
        ("RENEWD_REGISTRATION", "verify-first"),
        ("RENEWD_REGISTRATION", "maybe"),
        ("RENEWD_PASSWORD_MIN_LENGTH", "7"),
        ("RENEWD_BCRYPT_COST", "17"),
        ("RENEWD_BCRYPT_COST", "twelve"),
        ("RENEWD_HASH_QUEUE", "-1"),
        ("RENEWD_THROTTLE", "false"),
        ("RENEWD_COOKIE_SECURE", "1"),
        ("RENEWD_COOKIE_DOMAIN", ".example.com"),
        ("RENEWD_COOKIE_DOMAIN", "com"),
        ("RENEWD_COOKIE_DOMAIN", "192.0.2.1"),
        ("RENEWD_LOG", "renewd=loud"),
        ("RENEWD_LOG_FORMAT", "xml"),
    ]), @r#"
    RENEWD_DATABASE_URL: a database URL begins with sqlite:// or postgres://
    DATABASE_URL: a database URL begins with sqlite:// or postgres://
    RENEWD_MIGRATE: "yes": must be true or false
    RENEWD_LISTEN: "nowhere": must be an IP address and a port, like 127.0.0.1:8080
    RENEWD_LISTEN: "": must be an IP address and a port, like 127.0.0.1:8080
    PORT: "http": must be a port from 0 to 65535
    RENEWD_ALLOWED_ORIGINS: "*": `*` is not an origin: write scheme://host or scheme://host:port, without a path
    RENEWD_ALLOWED_ORIGINS: "https://a.example.com, https://b.example.com/path": `https://b.example.com/path` is not an origin: write scheme://host or scheme://host:port, without a path
    RENEWD_TRUSTED_PROXIES: "127.0.0.1, localhost": `localhost` is neither an IP address nor a network like 10.0.0.0/8
    RENEWD_TRUSTED_PROXIES: "0.0.0.0/0": `0.0.0.0/0` is everybody: name the proxies, or their network
    RENEWD_ISSUER: "not a url": must be an http or https URL, for example https://auth.example.com
    RENEWD_ISSUER: "ftp://example.com": must be an http or https URL, for example https://auth.example.com
    RENEWD_ISSUER: "https://example.com/": write it as https://example.com
    RENEWD_ISSUER: "https://Example.com:443": write it as https://example.com
    RENEWD_ISSUER: "https://example.com?a=b": must have no query and no fragment
    RENEWD_ISSUER: "https://me@example.com": must have no user name and no password
    RENEWD_AUDIENCE: "": must be a text of 1 to 512 bytes
    RENEWD_CLOCK_LEEWAY: "61s": must be from 0s to 1m
    RENEWD_ACCESS_TOKEN_ALG: "RS512": must be ES256 or EdDSA or RS256
    RENEWD_ACCESS_TOKEN_ALG: "none": must be ES256 or EdDSA or RS256
    RENEWD_ACCESS_TOKEN_TYP: "rt+jwt": must be at+jwt or JWT
    ACCESS_TOKEN_EXPIRY: "soon": not a duration: write 90s, 15m, 1h, 10d or a number of seconds
    ACCESS_TOKEN_EXPIRY: "0": must be longer than zero
    REFRESH_TOKEN_EXPIRY: "10 parsecs\n": not a duration: write 90s, 15m, 1h, 10d or a number of seconds
    RENEWD_REFRESH_POLICY: "gliding": must be sliding or fixed
    RENEWD_REUSE_POLICY: "": must be strict or recover
    RENEWD_REPLAY_WINDOW: "6m": must be from 0s to 5m
    RENEWD_SESSION_MAX_AGE: "0s": must be longer than zero
    RENEWD_SESSIONS_PER_USER: "0": must be a number from 1 to 1000000
    RENEWD_FEED_MAX_STALENESS: "0": must be longer than zero
    RENEWD_FEED_STALE: "ajar": must be closed or open
    RENEWD_REGISTRATION: "verify-first": needs mail, which this release does not have: open or closed
    RENEWD_REGISTRATION: "maybe": must be open or closed
    RENEWD_PASSWORD_MIN_LENGTH: "7": must be a number from 8 to 64
    RENEWD_BCRYPT_COST: "17": a bcrypt cost is a number from 10 to 16
    RENEWD_BCRYPT_COST: "twelve": a bcrypt cost is a number from 10 to 16
    RENEWD_HASH_QUEUE: "-1": must be a number from 1 to 100000
    RENEWD_THROTTLE: "false": must be on or off
    RENEWD_COOKIE_SECURE: "1": must be true or false
    RENEWD_COOKIE_DOMAIN: ".example.com": must be a domain in lower case without a leading dot, like example.com
    RENEWD_COOKIE_DOMAIN: "com": must be a domain in lower case without a leading dot, like example.com
    RENEWD_COOKIE_DOMAIN: "192.0.2.1": must be a domain in lower case without a leading dot, like example.com
    RENEWD_LOG: "renewd=loud": error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5: write for example info, or info,storage_diesel=debug
    RENEWD_LOG_FORMAT: "xml": must be text or json
    "#);
}

/// S31 S41: and no message repeats a secret.
#[test]
fn secrets_are_checked() {
    let lines = mistakes_of_variables(&[
        ("ACCESS_TOKEN_SECRET", ""),
        ("ACCESS_TOKEN_SECRET", "short"),
        (
            "ACCESS_TOKEN_SECRET",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
        (
            "REFRESH_TOKEN_SECRET",
            "your-256-bit-secret-your-256-bit-secret",
        ),
        ("ACCESS_TOKEN_SECRET_FILE", "/nonexistent/secret"),
        ("RENEWD_MASTER_KEY", "c2hvcnQ="),
        ("RENEWD_MASTER_KEY_FILE", "/nonexistent/master.key"),
    ]);
    insta::assert_snapshot!(lines, @r#"
    ACCESS_TOKEN_SECRET: must have at least 32 bytes
    ACCESS_TOKEN_SECRET: must have at least 32 bytes
    ACCESS_TOKEN_SECRET: is obviously weak: use random bytes, for example from `openssl rand -base64 48`
    REFRESH_TOKEN_SECRET: is obviously weak: use random bytes, for example from `openssl rand -base64 48`
    ACCESS_TOKEN_SECRET_FILE: cannot read /nonexistent/secret: No such file or directory (os error 2)
    RENEWD_MASTER_KEY: the master key must be 32 bytes in standard base64
    RENEWD_MASTER_KEY_FILE: there is no master key file /nonexistent/master.key
    "#);
}

#[test]
fn combinations_are_checked() {
    let combinations: [&[(&str, &str)]; 6] = [
        &[
            ("ACCESS_TOKEN_SECRET", SECRET),
            ("REFRESH_TOKEN_SECRET", SECRET),
        ],
        &[
            ("ACCESS_TOKEN_SECRET", SECRET),
            ("ACCESS_TOKEN_SECRET_FILE", "x"),
        ],
        &[
            ("ACCESS_TOKEN_SECRET", SECRET),
            ("RENEWD_ACCESS_TOKEN_ALG", "ES256"),
        ],
        &[("DATABASE_URL", "postgres://renewd:hunter2@db/renewd")],
        &[
            ("RENEWD_COOKIE_SECURE", "false"),
            ("RENEWD_ISSUER", "https://a.example.com"),
        ],
        &[
            ("RENEWD_MASTER_KEY", MASTER_KEY),
            ("RENEWD_MASTER_KEY_FILE", "x"),
        ],
    ];
    let lines = combinations.map(|variables| mistake(load(&[], variables, "")));
    insta::assert_snapshot!(lines.join("\n"), @r#"
    REFRESH_TOKEN_SECRET: must differ from ACCESS_TOKEN_SECRET
    ACCESS_TOKEN_SECRET: ACCESS_TOKEN_SECRET_FILE is set too: set one of them
    RENEWD_ACCESS_TOKEN_ALG: is for managed keys, but ACCESS_TOKEN_SECRET is set, which means HS256: set one of them
    RENEWD_MASTER_KEY: with PostgreSQL the master key must be given, here or as RENEWD_MASTER_KEY_FILE: 32 bytes in base64, for example from `openssl rand -base64 32`
    RENEWD_COOKIE_SECURE: must be true with an https issuer: cookies would travel in the clear
    RENEWD_MASTER_KEY: RENEWD_MASTER_KEY_FILE is set too: set one of them
    "#);
}

/// S24 among them.
#[test]
fn files_are_checked() {
    insta::assert_snapshot!(mistakes_of_files(&[
        "nonsense = 1",
        "[http]\nlisten_on = \"127.0.0.1:0\"",
        "[htpp]\nlisten = \"127.0.0.1:0\"",
        "http = 7",
        "[http.listen]\nport = 1",
        "[http]\nlisten = 1.5",
        "[http]\nallowed_origins = [1]",
        "[tokens.access]\nlifetime = \"soon\"",
        "[tokens.access]\nclaims = \"all\"",
        "[tokens.access.claims]\nsub = \"username\"",
        "[tokens.access.claims]\nx = \"password_hash\"",
        "[tokens.access.claims]\nx = 1",
        "[accounts]\nbcrypt_cost = \"many\"",
        "[accounts]\nbcrypt_cost = 12\nbcrypt_cost = 13",
        "[tokens.access]\nsecret = \"x\"",
        "\nthis is no toml",
    ]), @r#"
    `nonsense` in renewd.toml: there is no such key; --help lists what there is
    `http.listen_on` in renewd.toml: there is no such key; did you mean http.listen?
    `htpp` in renewd.toml: there is no such key; did you mean http?
    `http` in renewd.toml: must be a table
    `http.listen` in renewd.toml: must be a text, a number, true or false
    `http.listen` in renewd.toml: must be a text, a number, true or false
    `http.allowed_origins` in renewd.toml: must be a text, a number, true or false
    `tokens.access.lifetime` in renewd.toml: "soon": not a duration: write 90s, 15m, 1h, 10d or a number of seconds
    `tokens.access.claims` in renewd.toml: must be a table
    `tokens.access.claims` in renewd.toml: the claim `sub` is reserved and cannot be mapped
    `tokens.access.claims` in renewd.toml: `password_hash` is not one of id, username, email, email_verified, full_name, created_at
    `tokens.access.claims` in renewd.toml: the claim "x" must name a member of the user, as a text
    `accounts.bcrypt_cost` in renewd.toml: "many": a bcrypt cost is a number from 10 to 16
    renewd.toml: line 3: duplicate key
    `tokens.access.secret` in renewd.toml: there is no such key; --help lists what there is
    renewd.toml: line 2: key with no value, expected `=`
    "#);
}

#[test]
fn command_lines_are_checked() {
    insta::assert_snapshot!(mistakes_of_words(&[
        &["--lisen", "127.0.0.1:0"],
        &["--listen"],
        &["--listen", "nowhere"],
        &["--listen", "[::1]:1", "--listen", "[::1]:2"],
        &["serve"],
        &["--access-token-secret", SECRET],
        &["--access-token-secret=k9Xw2Vq7Rz4Tb8Nc5Ld1Mf6Gh3Jp0Ysu"],
        &["check-config", "--session-max-age", "-1"],
    ]), @r#"
    command line: unexpected argument '--lisen' found; did you mean --listen?
    command line: a value is required for '--listen <IP:PORT>' but none was supplied; see --help
    --listen: "nowhere": must be an IP address and a port, like 127.0.0.1:8080
    command line: the argument '--listen <IP:PORT>' cannot be used multiple times; see --help
    command line: unrecognized subcommand 'serve'; see --help
    --access-token-secret: a secret has no flag: set ACCESS_TOKEN_SECRET or ACCESS_TOKEN_SECRET_FILE
    --access-token-secret: a secret has no flag: set ACCESS_TOKEN_SECRET or ACCESS_TOKEN_SECRET_FILE
    --session-max-age: "-1": not a duration: write 90s, 15m, 1h, 10d or a number of seconds
    "#);
}

#[test]
fn names_are_checked() {
    insta::assert_snapshot!(mistakes_of_variables(&[
        ("RENEWD_NO_SUCH_THING", "1"),
        ("RENEWD_LISTN", "127.0.0.1:0"),
        ("RENEWD_ACCESS_TOKEN_EXPIRY", "1m"),
        ("RENEWD_ACCESS_TOKEN_SECRET", SECRET),
    ]), @r#"
    RENEWD_NO_SUCH_THING: there is no such variable; --help lists what there is
    RENEWD_LISTN: there is no such variable; did you mean RENEWD_LISTEN?
    RENEWD_ACCESS_TOKEN_EXPIRY: there is no such variable; did you mean ACCESS_TOKEN_EXPIRY?
    RENEWD_ACCESS_TOKEN_SECRET: there is no such variable; did you mean ACCESS_TOKEN_SECRET?
    "#);
}
