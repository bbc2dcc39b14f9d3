//! What the command line, the environment and `renewd.toml` say together, checked. The names are
//! the server's, so that both programs started in one place work on one database with one key.

mod sources;
mod tokens;

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use storage_diesel::{DatabaseUrl, PostgresOptions};
use token_core::key::MasterKey;
use token_core::password::{BcryptCost, PasswordPolicy};
use token_core::policy::access_is_accepted_for;
use token_core::time::{InvalidLifetime, Lifetime};

use self::sources::{Found, Name, Sources, setting};
use self::tokens::TokenSettings;
use crate::args::Cli;
use crate::failure::Failure;

const DATABASE: Name = Name {
    variables: &["RENEWD_DATABASE_URL", "DATABASE_URL"],
    key: "database.url",
};
const ACCESS_LIFETIME: Name = Name {
    variables: &["ACCESS_TOKEN_EXPIRY"],
    key: "tokens.access.lifetime",
};
const LEEWAY: Name = Name {
    variables: &["RENEWD_CLOCK_LEEWAY"],
    key: "tokens.leeway",
};
const CONNECT_TIMEOUT: Name = Name {
    variables: &["RENEWD_DATABASE_CONNECT_TIMEOUT"],
    key: "database.connect_timeout",
};
const LOCK_TIMEOUT: Name = Name {
    variables: &["RENEWD_DATABASE_LOCK_TIMEOUT"],
    key: "database.lock_timeout",
};
const STATEMENT_TIMEOUT: Name = Name {
    variables: &["RENEWD_DATABASE_STATEMENT_TIMEOUT"],
    key: "database.statement_timeout",
};
const COST: Name = Name {
    variables: &["RENEWD_BCRYPT_COST"],
    key: "accounts.bcrypt_cost",
};
const MIN_LENGTH: Name = Name {
    variables: &["RENEWD_PASSWORD_MIN_LENGTH"],
    key: "accounts.password_min_length",
};
const MASTER_KEY: &str = "RENEWD_MASTER_KEY";
const MASTER_KEY_FILE: Name = Name {
    variables: &["RENEWD_MASTER_KEY_FILE"],
    key: "keys.master_file",
};

const DEFAULT_DATABASE: &str = "sqlite://data/renewd.db";
const DEFAULT_COST: u32 = 12;
const DEFAULT_MIN_LENGTH: u32 = 8;
const DEFAULT_ACCESS_LIFETIME: Lifetime = Lifetime::from_seconds(15 * 60);

const MINUTE: Lifetime = Lifetime::from_seconds(60);
const TEN_SECONDS: Lifetime = Lifetime::from_seconds(10);
const TWENTY_SECONDS: Lifetime = Lifetime::from_seconds(20);

/// Everything a command may need to know.
#[derive(Debug)]
pub struct Settings {
    /// The database.
    pub database: DatabaseUrl,
    /// How a PostgreSQL server is used.
    pub postgres: PostgresOptions,
    /// Where the master key is.
    pub master: MasterKeySource,
    /// What a new password's hash costs.
    pub cost: BcryptCost,
    /// What a new password must have.
    pub passwords: PasswordPolicy,
    /// How long an access token may be accepted somewhere.
    pub token_retention: Duration,
    /// What tokens are.
    pub tokens: TokenSettings,
}

/// Where the master key is.
#[derive(Debug)]
pub enum MasterKeySource {
    /// In the environment.
    Given(MasterKey),
    /// In a file somebody named, which must exist.
    File(PathBuf),
    /// Beside the SQLite database, made with it.
    Beside(PathBuf),
    /// Nowhere: PostgreSQL has no place for it.
    Nowhere,
}

impl Settings {
    /// Reads what is set, by flags first; `variable` looks into the environment.
    pub fn read(cli: &Cli, variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, Failure> {
        let sources = Sources::new(variable, cli.config.as_deref())?;
        let flag = cli.database_url.clone();
        let url = match flag.map(|url| Found::at("--database-url", url)) {
            Some(url) => url,
            None => sources
                .find(DATABASE)?
                .unwrap_or_else(|| Found::at("--database-url", DEFAULT_DATABASE.to_owned())),
        };
        let database = url.parse(DatabaseUrl::parse)?;
        let parse = |name, parse: fn(&str) -> Result<Lifetime, _>| {
            let found = sources.find(name)?;
            found.map(|found| found.parse(parse)).transpose()
        };
        let access = parse(ACCESS_LIFETIME, str::parse)?.unwrap_or(DEFAULT_ACCESS_LIFETIME);
        let leeway = parse(LEEWAY, str::parse)?.unwrap_or(Lifetime::ZERO);
        let timeout = |name, most, default| {
            let found = sources.find(name)?;
            found.map_or(Ok(default), |found| found.parse(|text| in_time(text, most)))
        };
        // One command at a time: the server beside it needs the connections.
        let default = PostgresOptions::default();
        let postgres = PostgresOptions {
            connections: 2,
            rotation_connections: 1,
            connect_timeout: timeout(CONNECT_TIMEOUT, MINUTE, default.connect_timeout)?,
            lock_timeout: timeout(LOCK_TIMEOUT, TEN_SECONDS, default.lock_timeout)?,
            statement_timeout: timeout(
                STATEMENT_TIMEOUT,
                TWENTY_SECONDS,
                default.statement_timeout,
            )?,
            ..default
        };
        let number = |name, range: RangeInclusive<u32>, default| {
            let found = sources.find(name)?;
            found.map_or(Ok(default), |found| found.parse(|text| within(text, range)))
        };
        let cost = number(COST, 10..=16, DEFAULT_COST)?;
        Ok(Self {
            master: master_key(&sources, &database)?,
            database,
            postgres,
            cost: BcryptCost::new(cost).map_err(|error| setting(COST.key, error))?,
            passwords: PasswordPolicy {
                min_length: number(MIN_LENGTH, 8..=64, DEFAULT_MIN_LENGTH)?,
            },
            token_retention: access_is_accepted_for(access, leeway),
            tokens: TokenSettings::read(&sources, access, leeway)?,
        })
    }
}

/// The process's environment.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the edge at which the environment is read"
)]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The environment counts before the file; two keys in the environment would be one that somebody
/// forgot to take away.
fn master_key(
    sources: &Sources<impl Fn(&str) -> Option<OsString>>,
    database: &DatabaseUrl,
) -> Result<MasterKeySource, Failure> {
    let given = sources.variable(&[MASTER_KEY])?;
    let named = sources.variable(MASTER_KEY_FILE.variables)?;
    if let Some(given) = given {
        return match named {
            None => given.parse(MasterKey::parse).map(MasterKeySource::Given),
            Some(_) => Err(setting(MASTER_KEY, TwoMasterKeys)),
        };
    }
    let named = match named {
        Some(path) => Some(path),
        None => sources.key(MASTER_KEY_FILE.key)?,
    };
    Ok(match (named, database.sqlite_path()) {
        (Some(path), _) => MasterKeySource::File(path.into_text().into()),
        (None, Some(database)) => MasterKeySource::Beside(database.with_file_name("master.key")),
        (None, None) => MasterKeySource::Nowhere,
    })
}

#[derive(Debug, thiserror::Error)]
#[error("RENEWD_MASTER_KEY_FILE is set too: set one of them")]
struct TwoMasterKeys;

#[derive(Debug, thiserror::Error)]
#[error("must be a number from {} to {}", .0.start(), .0.end())]
struct OutOfRange(RangeInclusive<u32>);

fn within(text: &str, range: RangeInclusive<u32>) -> Result<u32, OutOfRange> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or(OutOfRange(range))
}

#[derive(Debug, thiserror::Error)]
enum InvalidTimeout {
    #[error(transparent)]
    Lifetime(#[from] InvalidLifetime),
    #[error("must be from 1s to {0}")]
    OutOfRange(Lifetime),
}

fn in_time(text: &str, most: Lifetime) -> Result<Duration, InvalidTimeout> {
    let time: Lifetime = text.parse()?;
    if time < Lifetime::from_seconds(1) || time > most {
        return Err(InvalidTimeout::OutOfRange(most));
    }
    Ok(time.as_duration())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::Parser;

    use super::*;

    const KEY: &str = "nAWJCMdVWZpzRzrVt2Jk0xlvYbGPyLE3oPSvvUo6g1s=";

    fn read(flags: &[&str], environment: &[(&str, &str)]) -> Result<Settings, String> {
        let variable = |name: &str| {
            let set = environment.iter().find(|(known, _)| *known == name);
            set.map(|(_, value)| OsString::from(value))
        };
        let cli = Cli::parse_from([&["renewctl"], flags, &["user", "list"]].concat());
        Settings::read(&cli, variable).map_err(|failure| failure.to_string())
    }

    fn database(flags: &[&str], environment: &[(&str, &str)]) -> String {
        read(flags, environment).unwrap().database.to_string()
    }

    /// A `renewd.toml` for as long as the returned directory lives, and the flag that names it.
    fn file(text: &str) -> (tempfile::TempDir, String) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("renewd.toml");
        std::fs::write(&path, text).unwrap();
        (directory, format!("--config={}", path.display()))
    }

    #[test]
    fn flag_then_environment_then_file_then_default() {
        let (_directory, config) = file("[database]\nurl = \"sqlite://file.db\"\nmigrate = true");
        let config = config.as_str();
        let both = [
            ("RENEWD_DATABASE_URL", "sqlite://a.db"),
            ("DATABASE_URL", "postgres://db/b"),
        ];
        assert_eq!(
            database(&[config, "--database-url", "sqlite://flag.db"], &both),
            "sqlite://flag.db"
        );
        assert_eq!(database(&[config], &both), "sqlite://a.db");
        assert_eq!(database(&[config], &both[1..]), "postgres://db/b");
        assert_eq!(database(&[config], &[]), "sqlite://file.db");
        assert_eq!(database(&[], &[]), DEFAULT_DATABASE);
    }

    #[test]
    fn the_master_key_is_where_the_server_looks_for_it() {
        let (_directory, config) = file("keys.master_file = \"from-file\"");
        let master = |environment: &[(&str, &str)]| read(&[], environment).unwrap().master;
        assert!(matches!(
            master(&[]),
            MasterKeySource::Beside(path) if path == Path::new("data/master.key")
        ));
        assert!(matches!(
            master(&[("RENEWD_MASTER_KEY_FILE", "key")]),
            MasterKeySource::File(path) if path == Path::new("key")
        ));
        assert!(matches!(
            read(&[&config], &[]).unwrap().master,
            MasterKeySource::File(path) if path == Path::new("from-file")
        ));
        assert!(matches!(
            read(&[&config], &[("RENEWD_MASTER_KEY", KEY)])
                .unwrap()
                .master,
            MasterKeySource::Given(_)
        ));
        assert!(matches!(
            master(&[("DATABASE_URL", "postgres://db/renewd")]),
            MasterKeySource::Nowhere
        ));
    }

    #[test]
    fn names_stay_reserved_as_long_as_tokens_bear_them() {
        let reserved = |environment: &[(&str, &str)]| {
            read(&[], environment).unwrap().token_retention.as_secs()
        };
        assert_eq!(reserved(&[]), 15 * 60 + 5);
        let environment = [
            ("ACCESS_TOKEN_EXPIRY", "1h"),
            ("RENEWD_CLOCK_LEEWAY", "30s"),
        ];
        assert_eq!(reserved(&environment), 60 * 60 + 30 + 5);
    }

    #[test]
    fn the_servers_time_limits_hold_here() {
        let (_directory, config) =
            file("[database]\nlock_timeout = 10\nstatement_timeout = \"20s\"");
        let environment = [("RENEWD_DATABASE_CONNECT_TIMEOUT", "1s")];
        let postgres = read(&[&config], &environment).unwrap().postgres;
        let limits = [
            postgres.connect_timeout,
            postgres.lock_timeout,
            postgres.statement_timeout,
        ];
        assert_eq!(limits.map(|limit| limit.as_secs()), [1, 10, 20]);
    }

    /// S120: a mistake is one line that names the place to mend, and shows no secret.
    #[test]
    fn a_mistake_names_its_place() {
        let mistake = |environment: &[(&str, &str)]| read(&[], environment).unwrap_err();
        let mistakes = [
            mistake(&[("RENEWD_BCRYPT_COST", "4")]),
            mistake(&[("RENEWD_PASSWORD_MIN_LENGTH", "many")]),
            mistake(&[("ACCESS_TOKEN_EXPIRY", "soon")]),
            mistake(&[("RENEWD_DATABASE_LOCK_TIMEOUT", "61s")]),
            mistake(&[("RENEWD_DATABASE_STATEMENT_TIMEOUT", "never")]),
            mistake(&[("RENEWD_MASTER_KEY", "hunter2")]),
            mistake(&[("RENEWD_MASTER_KEY", KEY), ("RENEWD_MASTER_KEY_FILE", "f")]),
            mistake(&[("DATABASE_URL", "mysql://ann:hunter2@db")]),
            read(&["--database-url", "renewd.db"], &[]).unwrap_err(),
        ];
        insta::assert_snapshot!(mistakes.join("\n"), @"
        RENEWD_BCRYPT_COST: must be a number from 10 to 16
        RENEWD_PASSWORD_MIN_LENGTH: must be a number from 8 to 64
        ACCESS_TOKEN_EXPIRY: not a duration: write 90s, 15m, 1h, 10d or a number of seconds
        RENEWD_DATABASE_LOCK_TIMEOUT: must be from 1s to 10s
        RENEWD_DATABASE_STATEMENT_TIMEOUT: not a duration: write 90s, 15m, 1h, 10d or a number of seconds
        RENEWD_MASTER_KEY: the master key must be 32 bytes in standard base64
        RENEWD_MASTER_KEY: RENEWD_MASTER_KEY_FILE is set too: set one of them
        DATABASE_URL: a database URL begins with sqlite:// or postgres://
        --database-url: a database URL begins with sqlite:// or postgres://
        ");
    }

    #[test]
    fn a_mistake_in_the_file_names_its_key() {
        for (text, mistake) in [
            ("accounts.bcrypt_cost = 9", "`accounts.bcrypt_cost` in"),
            ("database.url = [1]", "must be a text or a number"),
            ("\n\ndatabase.url = ", "line 3"),
        ] {
            let (_directory, config) = file(text);
            let told = read(&[&config], &[]).unwrap_err();
            assert!(told.contains(mistake), "{told}");
        }
        assert!(read(&["--config=missing.toml"], &[]).is_err());
    }
}
