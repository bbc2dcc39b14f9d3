//! `[log]`: what is logged, and how.

use tracing_subscriber::EnvFilter;

use super::error::ConfigError;
use super::raw::Raw;
use super::settings::{LOG_FILTER, LOG_FORMAT};

/// What is logged, and how.
#[derive(Debug)]
pub struct LogConfig {
    /// A filter that parses.
    pub filter: String,
    /// The form of a line, if it does not depend on the terminal.
    pub format: Option<LogFormat>,
}

/// The form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl LogConfig {
    /// Checks the section.
    pub fn parse(raw: &Raw) -> Result<Self, ConfigError> {
        let filter = raw.parse(&LOG_FILTER, |text| {
            EnvFilter::builder()
                .parse(text)
                .map(|_| text.to_owned())
                .map_err(|error| {
                    format!("{error}: write for example info, or info,storage_diesel=debug")
                })
        })?;
        let format = match raw.get(&LOG_FORMAT) {
            None => None,
            Some(_) => Some(raw.choose(
                &LOG_FORMAT,
                &[("text", LogFormat::Text), ("json", LogFormat::Json)],
            )?),
        };
        Ok(Self { filter, format })
    }
}
