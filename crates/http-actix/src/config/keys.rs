//! `[keys]`: where the master key is, and how long the others live.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use storage_diesel::master_key;
use token_core::key::MasterKey;
use token_core::service::KeySettings;
use token_core::time::{InvalidLifetime, Lifetime};

use super::database::DatabaseConfig;
use super::error::ConfigError;
use super::raw::{Raw, SecretSource};
use super::secrets;
use super::settings::{JWKS_MAX_AGE, KEY_ROTATION, MASTER_KEY};

/// The name of the key file beside a SQLite database.
const BESIDE_DATABASE: &str = "master.key";

/// Where the master key is, and how long the others live.
#[derive(Debug)]
pub struct KeysConfig {
    /// Where the master key is.
    pub master: MasterKeyPlace,
    /// How long the others live.
    pub settings: KeySettings,
}

/// Where the master key is.
#[derive(Debug)]
pub enum MasterKeyPlace {
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

/// A verifier that keeps keys for longer would not notice for a day that one is not trusted any
/// more.
const JWKS_MAX_AGES: RangeInclusive<Lifetime> =
    Lifetime::from_seconds(1)..=Lifetime::from_seconds(24 * 60 * 60);

impl KeysConfig {
    /// Checks the section.
    pub fn parse(
        raw: &Raw,
        database: &DatabaseConfig,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            master: MasterKeyPlace::parse(raw, database)?,
            settings: settings(raw, warnings)?,
        })
    }
}

fn settings(raw: &Raw, warnings: &mut Vec<String>) -> Result<KeySettings, ConfigError> {
    let jwks_max_age = raw.parse(&JWKS_MAX_AGE, |text| {
        let age: Lifetime = text.parse().map_err(|e: InvalidLifetime| e.to_string())?;
        let (least, most) = (JWKS_MAX_AGES.start(), JWKS_MAX_AGES.end());
        let fits = JWKS_MAX_AGES.contains(&age);
        fits.then_some(age)
            .ok_or_else(|| format!("must be from {least} to {most}"))
    })?;
    let rotation = raw.parse(&KEY_ROTATION, |text| match text {
        "off" => Ok(Lifetime::ZERO),
        text => text.parse(),
    })?;
    let rotation = (rotation != Lifetime::ZERO).then_some(rotation);
    let settings = KeySettings {
        rotation,
        jwks_max_age,
    };
    let least = settings.least_rotation();
    if rotation.is_some_and(|rotation| rotation < least) {
        warnings.push(format!(
            "{}: a new key is published {least} before it signs ({} and time for every node to \
             read it), so that keys change every {least} at the most",
            KEY_ROTATION.variable, JWKS_MAX_AGE.variable
        ));
    }
    Ok(settings)
}

impl MasterKeyPlace {
    fn parse(raw: &Raw, database: &DatabaseConfig) -> Result<Self, ConfigError> {
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
