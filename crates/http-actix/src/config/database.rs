//! `[database]`: where everything is stored, and how long it may take.

use std::time::Duration;

use storage_diesel::{DatabaseUrl, PostgresOptions};
use token_core::time::Lifetime;

use super::error::ConfigError;
use super::raw::{Origin, Raw};
use super::settings::{
    CONNECT_TIMEOUT, CONNECTIONS, DATABASE_URL, LOCK_TIMEOUT, MIGRATE, PATIENCE,
    ROTATION_CONNECTIONS, STATEMENT_TIMEOUT, Setting,
};

/// Where everything is stored.
#[derive(Debug)]
pub struct DatabaseConfig {
    /// Which database.
    pub url: DatabaseUrl,
    /// Nobody chose it: its directory is made where it is missing.
    pub is_default: bool,
    /// Run migrations at start.
    pub migrate: bool,
    /// How a PostgreSQL server is used.
    pub postgres: PostgresOptions,
    /// How long a request waits for the database.
    pub patience: Duration,
}

/// `true` or `false`.
pub(super) const TRUTH: [(&str, bool); 2] = [("true", true), ("false", false)];

/// What SQLite has no use for.
const OF_POSTGRES: [&Setting; 5] = [
    &CONNECTIONS,
    &ROTATION_CONNECTIONS,
    &CONNECT_TIMEOUT,
    &LOCK_TIMEOUT,
    &STATEMENT_TIMEOUT,
];

impl DatabaseConfig {
    /// Checks the section. The URL is not repeated in a message: it may hold a password.
    pub fn parse(raw: &Raw, warnings: &mut Vec<String>) -> Result<Self, ConfigError> {
        let given = raw.get(&DATABASE_URL);
        let text = given.map_or("", |value| &value.text);
        let url = DatabaseUrl::parse(text).map_err(|error| raw.mistake(&DATABASE_URL, error))?;
        if url.sqlite_path().is_some() {
            warnings.extend(
                OF_POSTGRES
                    .into_iter()
                    .filter_map(|setting| idle(raw, setting)),
            );
        }
        Ok(Self {
            url,
            is_default: given.is_some_and(|value| value.origin == Origin::Default),
            migrate: raw.choose(&MIGRATE, &TRUTH)?,
            postgres: PostgresOptions {
                connections: count(raw, &CONNECTIONS, 1000)?,
                rotation_connections: count(raw, &ROTATION_CONNECTIONS, 16)?,
                connect_timeout: timeout(raw, &CONNECT_TIMEOUT, MINUTE)?,
                lock_timeout: timeout(raw, &LOCK_TIMEOUT, TEN_SECONDS)?,
                statement_timeout: timeout(raw, &STATEMENT_TIMEOUT, TWENTY_SECONDS)?,
                ..PostgresOptions::default()
            },
            patience: timeout(raw, &PATIENCE, TEN_SECONDS)?,
        })
    }
}

const MINUTE: Lifetime = Lifetime::from_seconds(60);
/// Work that waits for longer and is done all the same would be committed later than ended sessions
/// are remembered for: see [`token_core::policy::COMMIT_BOUND`].
const TEN_SECONDS: Lifetime = Lifetime::from_seconds(10);
const TWENTY_SECONDS: Lifetime = Lifetime::from_seconds(20);

/// No harm is done by it, and one file of settings may serve both databases.
fn idle(raw: &Raw, setting: &Setting) -> Option<String> {
    let value = raw.get(setting)?;
    (value.origin != Origin::Default).then(|| {
        let place = value.origin.place(setting);
        format!("{place}: has no effect on SQLite, only on PostgreSQL")
    })
}

fn count(raw: &Raw, setting: &Setting, most: u32) -> Result<usize, ConfigError> {
    let number = raw.number(setting, 1..=most)?;
    Ok(usize::try_from(number).unwrap_or(usize::MAX))
}

/// Nothing waits for ever: zero, which PostgreSQL takes for no limit, is none of the values.
fn timeout(raw: &Raw, setting: &Setting, most: Lifetime) -> Result<Duration, ConfigError> {
    raw.parse(setting, |text| {
        let given: Lifetime = text.parse().map_err(|error| format!("{error}"))?;
        if given < Lifetime::from_seconds(1) || given > most {
            return Err(format!("must be from 1s to {most}"));
        }
        Ok(given.as_duration())
    })
}
