//! Settings: mistakes are told in one clear line, secrets are not told at all.

use e2e::process::Finished;
use e2e::{Person, Server, Setup};

use crate::hs256::SECRET;

/// Ended with a failure, and one line on standard error with this word in it.
#[track_caller]
pub fn assert_one_line(finished: &Finished, word: &str) {
    if let Err(fault) = told_in_one_line(finished, word) {
        panic!("{fault}");
    }
}

fn told_in_one_line(finished: &Finished, word: &str) -> Result<(), String> {
    let lines: Vec<&str> = finished
        .stderr
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let failed = finished.code.is_some_and(|code| code != 0);
    let named = finished
        .stderr
        .to_lowercase()
        .contains(&word.to_lowercase());
    if failed && lines.len() == 1 && named && !finished.stderr.contains("panicked") {
        return Ok(());
    }
    Err(format!(
        "a failure and one line that names {word}: {finished:?}"
    ))
}

#[track_caller]
fn assert_refused(setup: &Setup, word: &str) {
    let finished = setup.run([]);
    assert!(
        finished.code.is_some_and(|code| code != 0),
        "{word}: {finished:?}"
    );
    assert_one_line(&finished, word);
}

/// S31 S41: a bad value, an unknown name, an unsafe combination stop the start.
#[test]
fn every_mistake_stops_the_start_with_one_line() {
    let mut faults = Vec::new();
    for (name, value) in [
        ("ACCESS_TOKEN_SECRET", "short"),
        (
            "ACCESS_TOKEN_SECRET",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
        (
            "ACCESS_TOKEN_SECRET",
            "your-256-bit-secret-your-256-bit-secret",
        ),
        ("REFRESH_TOKEN_SECRET", "short"),
        ("REFRESH_TOKEN_SECRET", "00000000000000000000000000000000"),
        ("ACCESS_TOKEN_EXPIRY", "soon"),
        ("ACCESS_TOKEN_EXPIRY", "-5m"),
        ("ACCESS_TOKEN_EXPIRY", "0"),
        ("REFRESH_TOKEN_EXPIRY", "10 parsecs"),
        ("RENEWD_REPLAY_WINDOW", "6m"),
        ("RENEWD_CLOCK_LEEWAY", "61s"),
        ("RENEWD_REFRESH_POLICY", "gliding"),
        ("RENEWD_REUSE_POLICY", "forgive"),
        ("RENEWD_ACCESS_TOKEN_ALG", "none"),
        ("RENEWD_RSA_BITS", "1024"),
        ("RENEWD_KEY_ROTATION", "monthly"),
        ("RENEWD_JWKS_MAX_AGE", "0"),
        ("RENEWD_ACCESS_TOKEN_TYP", "rt+jwt"),
        ("RENEWD_BCRYPT_COST", "9"),
        ("RENEWD_BCRYPT_COST", "17"),
        ("RENEWD_BCRYPT_COST", "twelve"),
        ("RENEWD_PASSWORD_MIN_LENGTH", "none"),
        ("RENEWD_THROTTLE", "maybe"),
        ("RENEWD_COOKIE_SECURE", "maybe"),
        ("RENEWD_REGISTRATION", "maybe"),
        ("RENEWD_ISSUER", "not a url"),
        ("RENEWD_ALLOWED_ORIGINS", "*"),
        ("RENEWD_ALLOWED_ORIGINS", "https://app.example.com/path"),
        ("RENEWD_ALLOWED_ORIGINS", "null"),
        ("RENEWD_LISTEN", "nowhere"),
        ("RENEWD_DATABASE_URL", "mysql://localhost/renewd"),
        ("RENEWD_MASTER_KEY", "c2hvcnQ="),
        ("RENEWD_MASTER_KEY", "not base64 at all !"),
        ("RENEWD_MASTER_KEY_FILE", "/nonexistent/master.key"),
        ("RENEWD_NO_SUCH_THING", "1"),
        ("RENEWD_ACCESS_TOKEN_SECRET", SECRET),
    ] {
        let finished = Setup::sqlite().set(name, value).run([]);
        if let Err(fault) = told_in_one_line(&finished, name) {
            faults.push(format!("{name}={value}: {fault}"));
        }
        let secret = name.contains("SECRET") || name == "RENEWD_MASTER_KEY";
        if secret && finished.stderr.contains(value) {
            faults.push(format!("{name}={value}: the secret is told: {finished:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// S31: one secret for two purposes is none for either.
#[test]
fn equal_secrets_stop_the_start() {
    let setup = Setup::sqlite()
        .set("ACCESS_TOKEN_SECRET", SECRET)
        .set("REFRESH_TOKEN_SECRET", SECRET);
    assert_refused(&setup, "REFRESH_TOKEN_SECRET");
}

/// A key of the file that nothing reads, a value of a wrong type, a file that is
/// no TOML, a file that is not there.
#[test]
fn mistakes_in_the_file_stop_the_start() {
    for (text, word) in [
        ("[http]\nlisten_on = \"127.0.0.1:0\"\n", "listen_on"),
        ("nonsense = 1\n", "nonsense"),
        ("[tokens.access]\nlifetime = \"soon\"\n", "lifetime"),
        ("[accounts]\nbcrypt_cost = \"many\"\n", "bcrypt_cost"),
        ("this is no toml", "renewd.toml"),
    ] {
        let setup = Setup::sqlite()
            .unset("RENEWD_BCRYPT_COST")
            .file("renewd.toml", text);
        let finished = setup.run(["--config", "renewd.toml"]);
        assert_one_line(&finished, word);
    }
    let finished = Setup::sqlite().run(["--config", "missing.toml"]);
    assert_one_line(&finished, "missing.toml");
}

/// Flags, then environment, then file, then defaults.
#[test]
fn the_nearer_setting_wins() {
    let toml = "[tokens.access]\nlifetime = \"3m\"\n[tokens.refresh]\nlifetime = \"3h\"\n\
                [session]\nmax_age = \"3d\"\n";
    let server = Setup::sqlite()
        .file("renewd.toml", toml)
        .set("REFRESH_TOKEN_EXPIRY", "2h")
        .set("RENEWD_SESSION_MAX_AGE", "2d")
        .start_with(["--config", "renewd.toml", "--session-max-age", "1d"]);
    let pair = Person::registered(&server, "ada").log_in(&server).pair;
    assert_eq!(pair["expires_in"], 180);
    assert_eq!(pair["refresh_expires_in"], 7200);
    let token = pair["refresh_token"].as_str().expect("a token");
    let age = e2e::jwt::integer(token, "max") - e2e::jwt::integer(token, "iat");
    assert!((86_400..=86_401).contains(&age), "{age}");
}

/// Durations in every way of writing them.
#[test]
fn durations_are_read() {
    for (text, seconds) in [
        ("90s", 90),
        ("15m", 900),
        ("1h", 3600),
        ("10d", 864_000),
        ("77", 77),
    ] {
        let server = Setup::sqlite().set("ACCESS_TOKEN_EXPIRY", text).start();
        let pair = Person::registered(&server, "ada").log_in(&server).pair;
        assert_eq!(pair["expires_in"], seconds, "{text}");
    }
}

/// I6: a lifetime longer than the session's absolute end is clipped, and told.
#[test]
fn lifetimes_are_clipped_to_the_absolute_end() {
    let server = Setup::sqlite()
        .set("RENEWD_SESSION_MAX_AGE", "10m")
        .set("REFRESH_TOKEN_EXPIRY", "1h")
        .set("ACCESS_TOKEN_EXPIRY", "30m")
        .start();
    for name in ["REFRESH_TOKEN_EXPIRY", "ACCESS_TOKEN_EXPIRY"] {
        assert!(server.log().contains(name), "{name} in {}", server.log());
    }
    let pair = Person::registered(&server, "ada").log_in(&server).pair;
    assert_eq!(pair["expires_in"], 600);
    assert_eq!(pair["refresh_expires_in"], 600);
}

/// `check-config` prints what is in force, and no secret.
#[test]
fn the_configuration_can_be_checked() {
    let key = "mE6c0Yt8Vb1Jp4Rz7Kq2Xn5Lw9Hd3Fs6Gu0Ta8Ci4Oo=";
    let refresh = "u5Ysp0Jh3Gf6Md1Lc5Nb8Tz4Rq7Vw2Xk";
    let setup = Setup::sqlite()
        .set("ACCESS_TOKEN_SECRET", SECRET)
        .set("REFRESH_TOKEN_SECRET", refresh)
        .set("RENEWD_MASTER_KEY", key)
        .set(
            "RENEWD_DATABASE_URL",
            "postgres://renewd:hunter2-Quartz@127.0.0.1:9/renewd",
        )
        .set("ACCESS_TOKEN_EXPIRY", "7m");
    let finished = setup.run(["check-config"]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let told = format!("{}{}", finished.stdout, finished.stderr);
    assert!(told.contains("7m") || told.contains("420"), "{told}");
    for secret in [SECRET, refresh, key, "hunter2-Quartz"] {
        assert!(!told.contains(secret), "{secret} in {told}");
    }
    // It makes nothing.
    assert!(!setup.directory().join("data").exists());

    let bad = Setup::sqlite()
        .set("ACCESS_TOKEN_EXPIRY", "soon")
        .run(["check-config"]);
    assert_one_line(&bad, "ACCESS_TOKEN_EXPIRY");
}

/// Secrets can come from files, and then not from elsewhere as well.
#[test]
fn a_secret_can_be_in_a_file() {
    let server = Setup::sqlite()
        .file("secret", &format!("{SECRET}\n"))
        .set("ACCESS_TOKEN_SECRET_FILE", "secret")
        .start();
    let access = e2e::Persona::access(&Person::registered(&server, "ada").log_in(&server));
    assert_eq!(e2e::jwt::header(&access)["alg"], "HS256");
    let again = e2e::jwt::sign_hs256(
        &e2e::jwt::header(&access),
        &e2e::jwt::claims(&access),
        SECRET.as_bytes(),
    );
    server
        .call("GET", "/v1/verify")
        .bearer(&again)
        .send()
        .expect(204);

    let missing = Setup::sqlite().set("ACCESS_TOKEN_SECRET_FILE", "nowhere");
    assert_refused(&missing, "ACCESS_TOKEN_SECRET_FILE");
}

/// `healthcheck` asks the server of the same settings.
#[test]
fn the_health_can_be_checked() {
    let mut server = Server::sqlite();
    let listen = server.address().to_string();
    let ask = |server: &Server| {
        server
            .setup()
            .run_set("RENEWD_LISTEN", &listen, ["healthcheck"])
    };
    let healthy = ask(&server);
    assert_eq!(healthy.code, Some(0), "{healthy:?}");
    server.kill();
    let gone = ask(&server);
    assert_eq!(gone.code, Some(1), "{gone:?}");
}

/// Every option is documented.
#[test]
fn help_names_every_option() {
    let help = Setup::sqlite().run(["--help"]);
    assert_eq!(help.code, Some(0));
    for option in [
        "--listen",
        "--issuer",
        "--database-url",
        "--config",
        "--replay-window",
        "--session-max-age",
        "--bcrypt-cost",
        "--throttle",
        "check-config",
        "healthcheck",
    ] {
        assert!(help.stdout.contains(option), "{option} in {}", help.stdout);
    }
    assert!(
        !help.stdout.contains("--access-token-secret "),
        "secrets have no flag"
    );
}
