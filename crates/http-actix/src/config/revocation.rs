//! `[revocation]`: how fresh the knowledge of ended sessions has to be.

use token_core::revocation::{Freshness, WhenStale};

use super::error::ConfigError;
use super::raw::Raw;
use super::session::lifetime;
use super::settings::{MAX_STALENESS, WHEN_STALE};

/// How fresh the knowledge of ended sessions has to be.
#[derive(Debug)]
pub struct RevocationConfig {
    /// The bound, and what happens beyond it.
    pub freshness: Freshness,
}

impl RevocationConfig {
    /// Checks the section.
    pub fn parse(raw: &Raw, warnings: &mut Vec<String>) -> Result<Self, ConfigError> {
        let when_stale = raw.choose(
            &WHEN_STALE,
            &[("closed", WhenStale::Closed), ("open", WhenStale::Open)],
        )?;
        if when_stale == WhenStale::Open {
            warnings.push(format!(
                "{}: while the database is out of reach, access tokens of sessions that others \
                 ended are accepted until they expire",
                WHEN_STALE.variable
            ));
        }
        Ok(Self {
            freshness: Freshness {
                max_staleness: lifetime(raw, &MAX_STALENESS)?.as_duration(),
                when_stale,
            },
        })
    }
}
