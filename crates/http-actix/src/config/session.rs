//! `[session]`: how long sessions last.

use token_core::time::Lifetime;

use super::error::ConfigError;
use super::raw::Raw;
use super::settings::{SESSION_MAX_AGE, SESSIONS_PER_USER, Setting};

/// How long sessions last, and how many there may be.
#[derive(Debug)]
pub struct SessionConfig {
    /// Absolute lifetime.
    pub max_age: Lifetime,
    /// Live sessions of one user.
    pub per_user: u32,
}

impl SessionConfig {
    /// Checks the section.
    pub fn parse(raw: &Raw) -> Result<Self, ConfigError> {
        Ok(Self {
            max_age: lifetime(raw, &SESSION_MAX_AGE)?,
            per_user: raw.number(&SESSIONS_PER_USER, 1..=1_000_000)?,
        })
    }
}

/// A span that is not zero.
pub(super) fn lifetime(raw: &Raw, setting: &Setting) -> Result<Lifetime, ConfigError> {
    raw.parse(setting, |text| match text.parse::<Lifetime>() {
        Ok(Lifetime::ZERO) => Err("must be longer than zero".to_owned()),
        parsed => parsed.map_err(|error| error.to_string()),
    })
}

/// A span of `most` at the most; zero is one too.
pub(super) fn lifetime_up_to(
    raw: &Raw,
    setting: &Setting,
    most: Lifetime,
) -> Result<Lifetime, ConfigError> {
    raw.parse(setting, |text| {
        let parsed: Lifetime = text.parse().map_err(|error| format!("{error}"))?;
        if parsed > most {
            return Err(format!("must be from 0s to {most}"));
        }
        Ok(parsed)
    })
}
