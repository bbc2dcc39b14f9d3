//! `[keys]`: where the master key is.

use std::path::{Path, PathBuf};

use storage_diesel::master_key;
use token_core::key::MasterKey;

use super::database::DatabaseConfig;
use super::error::ConfigError;
use super::raw::{Raw, SecretSource};
use super::secrets;
use super::settings::MASTER_KEY;

/// The name of the key file beside a SQLite database.
const BESIDE_DATABASE: &str = "master.key";

/// Where the master key is.
#[derive(Debug)]
pub enum KeysConfig {
    /// It was given.
    Given {
        /// The key.
        key: Box<KeptMasterKey>,
        /// The file that it was read from, if it was in one.
        file: Option<PathBuf>,
    },
    /// It is in this file, and made there at the first start.
    Managed(PathBuf),
}

/// A master key that debug output does not show.
pub struct KeptMasterKey(pub MasterKey);

impl KeysConfig {
    /// Checks the section.
    pub fn parse(raw: &Raw, database: &DatabaseConfig) -> Result<Self, ConfigError> {
        let Some(source) = raw.secret(&MASTER_KEY) else {
            return beside(database).map(Self::Managed);
        };
        let place = secrets::place(&MASTER_KEY, source);
        let (key, file) = match source {
            SecretSource::Text(text) => {
                let key = MasterKey::parse(text.expose())
                    .map_err(|error| ConfigError::at(&place, error))?;
                (key, None)
            }
            SecretSource::File(path, _) => {
                let key = master_key::load(path).map_err(|error| ConfigError::at(&place, error))?;
                (key, Some(path.clone()))
            }
        };
        Ok(Self::Given {
            key: Box::new(KeptMasterKey(key)),
            file,
        })
    }

    /// The file of the key, if it is in one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Given { file, .. } => file.as_deref(),
            Self::Managed(file) => Some(file),
        }
    }
}

/// Beside a SQLite database there is a place for the key. On PostgreSQL every node needs the same
/// one, so that a file made by one of them would lock the others out.
fn beside(database: &DatabaseConfig) -> Result<PathBuf, ConfigError> {
    match database.url.sqlite_path() {
        Some(path) => Ok(path.with_file_name(BESIDE_DATABASE)),
        None => Err(ConfigError::at(
            MASTER_KEY.variable,
            format!(
                "with PostgreSQL the master key must be given, here or as {}: 32 bytes in base64, \
                 for example from `openssl rand -base64 32`",
                MASTER_KEY.file_variable
            ),
        )),
    }
}

impl std::fmt::Debug for KeptMasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}
