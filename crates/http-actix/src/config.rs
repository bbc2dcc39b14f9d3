//! Configuration: flags, then environment, then `renewd.toml`, then defaults, checked as a whole
//! before anything is done.
//!
//! [`settings`] is the one table of what there is; command line, variables, file, help and
//! `check-config` are all derived from it. [`raw`] lays the sources over each other and keeps where
//! each value came from, so that a mistake is told in one line that names the place to mend. The
//! sections parse the texts into types; whoever holds a [`Config`] has nothing left to check.

pub mod accounts;
pub mod args;
pub mod cookies;
pub mod database;
pub mod environment;
pub mod error;
pub mod file;
pub mod http;
pub mod keys;
pub mod log;
pub mod raw;
pub mod report;
pub mod revocation;
pub mod secrets;
pub mod session;
pub mod settings;
#[cfg(test)]
mod tests;
pub mod tokens;

use std::path::Path;

use token_core::policy::SessionPolicy;

use self::accounts::AccountsConfig;
use self::database::DatabaseConfig;
use self::environment::Environment;
use self::error::ConfigError;
use self::http::HttpConfig;
use self::keys::KeysConfig;
use self::log::LogConfig;
use self::raw::{Flags, Raw};
use self::revocation::RevocationConfig;
use self::session::SessionConfig;
use self::tokens::TokensConfig;
use crate::cookies::CookiePolicy;

/// The effective configuration.
#[derive(Debug)]
pub struct Config {
    /// Where everything is stored.
    pub database: DatabaseConfig,
    /// How the server is reached.
    pub http: HttpConfig,
    /// What tokens say and how long they last.
    pub tokens: TokensConfig,
    /// How long sessions last.
    pub session: SessionConfig,
    /// How fresh the knowledge of ended sessions has to be.
    pub revocation: RevocationConfig,
    /// Where the master key is, and how long the others live.
    pub keys: KeysConfig,
    /// Who may have an account, and how passwords are checked.
    pub accounts: AccountsConfig,
    /// How cookies are named and marked.
    pub cookies: CookiePolicy,
    /// What is logged, and how.
    pub log: LogConfig,
    /// What is allowed but should be known, a line each.
    pub warnings: Vec<String>,
    /// The same as text, with its sources.
    pub effective: Raw,
}

impl Config {
    /// Reads all sources and checks what they say.
    pub fn load(
        config_file: Option<&Path>,
        flags: &Flags,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let file = file::read(config_file)?;
        Self::parse(Raw::layer(flags, environment, file)?)
    }

    /// Checks what was read from all sources.
    pub fn parse(mut raw: Raw) -> Result<Self, ConfigError> {
        let mut warnings = Vec::new();
        let log = LogConfig::parse(&raw)?;
        let database = DatabaseConfig::parse(&raw, &mut warnings)?;
        let session = SessionConfig::parse(&raw)?;
        let tokens = TokensConfig::parse(&mut raw, &session, &mut warnings)?;
        let http = HttpConfig::parse(&mut raw)?;
        Ok(Self {
            revocation: RevocationConfig::parse(&raw, &mut warnings)?,
            keys: KeysConfig::parse(&raw, &database, &mut warnings)?,
            accounts: AccountsConfig::parse(&raw, &mut warnings)?,
            cookies: cookies::parse(&raw, tokens.issuer.as_deref(), &mut warnings)?,
            database,
            http,
            tokens,
            session,
            log,
            warnings,
            effective: raw,
        })
    }

    /// Lifetimes and rules, as the domain wants them.
    pub const fn session_policy(&self) -> SessionPolicy {
        SessionPolicy {
            access_lifetime: self.tokens.access_lifetime,
            idle_lifetime: self.tokens.refresh_lifetime,
            max_age: self.session.max_age,
            refresh: self.tokens.refresh_policy,
            reuse: self.tokens.reuse_policy,
            replay_window: self.tokens.replay_window,
            leeway: self.tokens.leeway,
            per_user: self.session.per_user,
        }
    }
}
