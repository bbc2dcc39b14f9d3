//! `[database]`: where everything is stored.

use storage_diesel::DatabaseUrl;

use super::error::ConfigError;
use super::raw::{Origin, Raw};
use super::settings::{DATABASE_URL, MIGRATE};

/// Where everything is stored.
#[derive(Debug)]
pub struct DatabaseConfig {
    /// Which database.
    pub url: DatabaseUrl,
    /// Nobody chose it: its directory is made where it is missing.
    pub is_default: bool,
    /// Run migrations at start.
    pub migrate: bool,
}

/// `true` or `false`.
pub(super) const TRUTH: [(&str, bool); 2] = [("true", true), ("false", false)];

impl DatabaseConfig {
    /// Checks the section. The URL is not repeated in a message: it may hold a password.
    pub fn parse(raw: &Raw) -> Result<Self, ConfigError> {
        let given = raw.get(&DATABASE_URL);
        let text = given.map_or("", |value| &value.text);
        Ok(Self {
            url: DatabaseUrl::parse(text).map_err(|error| raw.mistake(&DATABASE_URL, error))?,
            is_default: given.is_some_and(|value| value.origin == Origin::Default),
            migrate: raw.choose(&MIGRATE, &TRUTH)?,
        })
    }
}
