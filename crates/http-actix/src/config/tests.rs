//! What the sources come to.

mod mistakes;

use std::ffi::OsString;
use std::path::Path;

use super::args::{Args, Stop, Task};
use super::environment::Environment;
use super::error::ConfigError;
use super::raw::Raw;
use super::{Config, file};

const SECRET: &str = "k9Xw2Vq7Rz4Tb8Nc5Ld1Mf6Gh3Jp0Ysu";
const OTHER_SECRET: &str = "u5Ysp0Jh3Gf6Md1Lc5Nb8Tz4Rq7Vw2Xk";
const MASTER_KEY: &str = "nAWJCMdVWZpzRzrVt2Jk0xlvYbGPyLE3oPSvvUo6g1s=";

/// Loads as the program does, but for the file, whose text is given.
fn load(words: &[&str], variables: &[(&str, &str)], toml: &str) -> Result<Config, ConfigError> {
    let words = std::iter::once("renewd").chain(words.iter().copied());
    let args = match Args::parse(words) {
        Ok(args) => args,
        Err(Stop::Usage(error)) => return Err(error),
        Err(Stop::Answer(text)) => panic!("{text}"),
    };
    let pairs = variables
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let environment = Environment::from_pairs(pairs);
    let file = file::parse(Path::new("renewd.toml"), toml)?;
    Config::parse(Raw::layer(&args.flags, &environment, file)?)
}

fn mistake(result: Result<Config, ConfigError>) -> String {
    result.expect_err("a mistake").to_string()
}

#[test]
fn nothing_needs_to_be_set() {
    let config = load(&[], &[], "").unwrap();
    assert_eq!(config.warnings, [""; 0]);
    assert_eq!(config.tokens.issuer_at(8080), "http://localhost:8080");
    insta::assert_snapshot!(config.report(), @r#"
    [database]
    url = "sqlite://data/renewd.db"
    migrate = true
    connections = 10
    rotation_connections = 2
    connect_timeout = "5s"
    lock_timeout = "5s"
    statement_timeout = "15s"
    patience = "5s"

    [http]
    listen = "127.0.0.1:8080"
    # allowed_origins: the issuer's
    # trusted_proxies: none

    [tokens]
    # issuer: http://localhost:<port>
    # audience: the issuer
    leeway = "0s"

    [tokens.access]
    alg = "ES256"
    typ = "at+jwt"
    lifetime = "15m"

    [tokens.refresh]
    lifetime = "30d"
    policy = "sliding"
    reuse = "strict"
    replay_window = "30s"

    [session]
    max_age = "90d"
    per_user = 1000

    [revocation]
    max_staleness = "10s"
    stale = "closed"

    [keys]
    rotation = "90d"
    jwks_max_age = "5m"
    rsa_bits = 3072

    [accounts]
    registration = "open"
    password_min_length = 8
    bcrypt_cost = 12
    hash_queue = 64
    throttle = "on"

    [cookies]
    secure = true
    # domain: none

    [log]
    filter = "info"
    # format: text on a terminal, else json

    [tokens.access.claims]
    "email" = "email"
    "username" = "username"
    "full_name" = "full_name"

    # Secrets
    # ACCESS_TOKEN_SECRET: not set
    # REFRESH_TOKEN_SECRET: not set
    # RENEWD_MASTER_KEY: not set
    "#);
}

#[test]
fn the_nearer_source_wins() {
    let toml = "[http]\nlisten = \"127.0.0.1:1\"\n[tokens.access]\nlifetime = 60\n\
                [tokens.refresh]\nlifetime = \"3h\"\n[session]\nmax_age = \"3d\"\n";
    let variables = [
        ("PORT", "2"),
        ("RENEWD_SESSION_MAX_AGE", "2d"),
        ("REFRESH_TOKEN_EXPIRY", "2h"),
    ];
    let config = load(&["--session-max-age", "1d"], &variables, toml).unwrap();
    assert_eq!(config.http.listen.to_string(), "0.0.0.0:2");
    assert_eq!(config.tokens.access_lifetime.to_string(), "1m");
    assert_eq!(config.tokens.refresh_lifetime.to_string(), "2h");
    assert_eq!(config.session.max_age.to_string(), "1d");
    let own = [("PORT", "2"), ("RENEWD_LISTEN", "[::1]:3")];
    let config = load(&[], &own, toml).unwrap();
    assert_eq!(config.http.listen.to_string(), "[::1]:3");
}

#[test]
fn flags_stand_on_either_side_of_a_command() {
    for words in [
        ["renewd", "--issuer", "https://a.example", "check-config"],
        ["renewd", "check-config", "--issuer", "https://a.example"],
    ] {
        let args = Args::parse(words).unwrap();
        assert_eq!(args.task, Task::CheckConfig);
        assert_eq!(args.flags["RENEWD_ISSUER"], "https://a.example");
    }
}

#[test]
fn the_database_is_used_as_it_is_told() {
    let toml = "[database]\nurl = \"postgres://db/renewd\"\nrotation_connections = 16\n\
                connect_timeout = 1\nlock_timeout = \"10s\"\nstatement_timeout = \"20s\"\n";
    let variables = [
        ("RENEWD_DATABASE_CONNECTIONS", "1000"),
        ("RENEWD_MASTER_KEY", MASTER_KEY),
    ];
    let config = load(&["--database-patience", "2s"], &variables, toml).unwrap();
    assert_eq!(config.warnings, [""; 0]);
    let postgres = &config.database.postgres;
    assert_eq!(
        (postgres.connections, postgres.rotation_connections),
        (1000, 16)
    );
    let seconds = [
        postgres.connect_timeout,
        postgres.lock_timeout,
        postgres.statement_timeout,
        config.database.patience,
    ]
    .map(|time| time.as_secs());
    assert_eq!(seconds, [1, 10, 20, 2]);

    // A file for both databases will do.
    let toml = toml.replace("url = ", "# url = ");
    let config = load(&["--database-patience", "2s"], &variables[..1], &toml).unwrap();
    insta::assert_snapshot!(config.warnings.join("\n"), @"
    RENEWD_DATABASE_CONNECTIONS: has no effect on SQLite, only on PostgreSQL
    `database.rotation_connections` in renewd.toml: has no effect on SQLite, only on PostgreSQL
    `database.connect_timeout` in renewd.toml: has no effect on SQLite, only on PostgreSQL
    `database.lock_timeout` in renewd.toml: has no effect on SQLite, only on PostgreSQL
    `database.statement_timeout` in renewd.toml: has no effect on SQLite, only on PostgreSQL
    ");
}

/// I6: no token outlives its session; and what is allowed but risky is told.
#[test]
fn what_should_be_known_is_told() {
    let variables = [
        ("ACCESS_TOKEN_SECRET", SECRET),
        ("REFRESH_TOKEN_SECRET", OTHER_SECRET),
        ("ACCESS_TOKEN_EXPIRY", "2h"),
        ("RENEWD_SESSION_MAX_AGE", "1h"),
        ("RENEWD_REPLAY_WINDOW", "0"),
        ("RENEWD_ISSUER", "http://auth.example.com"),
        ("RENEWD_COOKIE_SECURE", "false"),
        ("RENEWD_COOKIE_DOMAIN", "example.org"),
        ("RENEWD_FEED_STALE", "open"),
        ("RENEWD_THROTTLE", "off"),
    ];
    let config = load(&[], &variables, "").unwrap();
    assert_eq!(config.tokens.access_lifetime.to_string(), "1h");
    assert_eq!(config.tokens.refresh_lifetime.to_string(), "1h");
    insta::assert_snapshot!(config.warnings.join("\n"), @r#"
    ACCESS_TOKEN_SECRET: access tokens are signed with a shared secret (HS256): whoever verifies them can also make them; managed keys, the default, do not have this weakness
    ACCESS_TOKEN_EXPIRY: 2h is longer than a session lasts (RENEWD_SESSION_MAX_AGE): clipped to 1h
    REFRESH_TOKEN_EXPIRY: 30d is longer than a session lasts (RENEWD_SESSION_MAX_AGE): clipped to 1h
    RENEWD_ISSUER: an http issuer is for development; in production tokens need https
    RENEWD_REPLAY_WINDOW: without a replay window a client that loses an answer, or refreshes from two tabs at once, is logged out
    RENEWD_FEED_STALE: while the database is out of reach, access tokens of sessions that others ended are accepted until they expire
    RENEWD_THROTTLE: passwords can be guessed without limit; off is for load tests only
    RENEWD_COOKIE_SECURE: cookies travel over plain http too; false is for development
    RENEWD_COOKIE_DOMAIN: example.org is not a domain of the issuer's host auth.example.com: browsers will refuse the access cookie
    "#);
}

#[test]
fn the_report_shows_sources_and_no_secret() {
    let variables = [
        (
            "DATABASE_URL",
            "postgres://renewd:hunter2@a.example:5432,b.example/renewd?password=hunter2\
             &sslpassword=hunter2&target_session_attrs=read-write",
        ),
        ("RENEWD_MASTER_KEY", MASTER_KEY),
        ("REFRESH_TOKEN_SECRET", SECRET),
        ("ACCESS_TOKEN_EXPIRY", "7m"),
    ];
    let toml = "[tokens.access.claims]\n_id = \"id\"\n\"full name\" = \"full_name\"\n\
                [http]\nallowed_origins = [\"https://a.example\", \"https://b.example\"]\n\
                trusted_proxies = [\"127.0.0.1\", \"10.0.0.0/8\"]\n";
    let config = load(&["--bcrypt-cost", "10"], &variables, toml).unwrap();
    assert_eq!(config.http.trusted_proxies.len(), 2);
    let report = config.report();
    let told: Vec<&str> = report.lines().filter(|l| l.contains('#')).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    url = "postgres://renewd@a.example:5432,b.example/renewd?target_session_attrs=read-write"  # DATABASE_URL
    allowed_origins = "https://a.example,https://b.example"  # `http.allowed_origins` in renewd.toml
    trusted_proxies = "127.0.0.1,10.0.0.0/8"  # `http.trusted_proxies` in renewd.toml
    # issuer: http://localhost:<port>
    # audience: the issuer
    lifetime = "7m"  # ACCESS_TOKEN_EXPIRY
    bcrypt_cost = 10  # --bcrypt-cost
    # domain: none
    # format: text on a terminal, else json
    # Secrets
    # ACCESS_TOKEN_SECRET: not set
    # REFRESH_TOKEN_SECRET: [redacted]
    # RENEWD_MASTER_KEY: [redacted]
    "#);
    for secret in ["hunter2", MASTER_KEY, SECRET] {
        assert!(!format!("{report}{config:?}").contains(secret), "{secret}");
    }
    // It reads as a file that says the same.
    let again = file::parse(Path::new("report"), &report).unwrap();
    let claims = [("_id", "id"), ("full name", "full_name")];
    assert_eq!(
        again.claims.unwrap(),
        claims.map(|(claim, member)| (claim.to_owned(), member.to_owned()))
    );
    assert_eq!(
        again.values["http.allowed_origins"],
        "https://a.example,https://b.example"
    );
}

#[test]
fn keys_rotate_as_told() {
    let rotation = |text| {
        let config = load(&[], &[("RENEWD_KEY_ROTATION", text)], "").unwrap();
        (config.keys.settings.rotation, config.warnings)
    };
    let days = |days: u32| {
        Some(token_core::time::Lifetime::from_seconds(
            days * 24 * 60 * 60,
        ))
    };
    assert_eq!(rotation("30d"), (days(30), vec![]));
    for never in ["0", "off", "0s"] {
        assert_eq!(rotation(never), (None, vec![]));
    }
    let (_, warnings) = rotation("5m");
    insta::assert_snapshot!(warnings.join("\n"), @"RENEWD_KEY_ROTATION: a new key is published 310s before it signs (RENEWD_JWKS_MAX_AGE and time for every node to read it), so that keys change every 310s at the most");
    let short = [("RENEWD_KEY_ROTATION", "20"), ("RENEWD_JWKS_MAX_AGE", "1s")];
    assert_eq!(load(&[], &short, "").unwrap().warnings, [""; 0]);
}

/// With a secret, tokens are signed with it: the report says so, and can be used beside it.
#[test]
fn the_report_names_the_algorithm_of_a_secret() {
    let secret = [("ACCESS_TOKEN_SECRET", SECRET)];
    let report = load(&[], &secret, "").unwrap().report();
    assert!(report.contains("# alg: HS256, since ACCESS_TOKEN_SECRET is set\n"));
    assert!(load(&[], &secret, &report).is_ok());
}
