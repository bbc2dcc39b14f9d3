//! Secrets, read from where they were given.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use token_core::key::SigningSecret;
use token_core::secret::SecretString;

use super::error::ConfigError;
use super::raw::{Raw, SecretSource};
use super::settings::Secret;

/// The secret that signs something, if one is given.
pub fn signing(raw: &Raw, secret: &'static Secret) -> Result<Option<SigningSecret>, ConfigError> {
    let Some(source) = raw.secret(secret) else {
        return Ok(None);
    };
    let text = read(source)?;
    SigningSecret::parse(text.expose())
        .map(Some)
        .map_err(|problem| ConfigError::at(place(secret, source), problem))
}

/// What a message about a secret begins with.
pub fn place(secret: &'static Secret, source: &SecretSource) -> String {
    match source {
        SecretSource::Text(_) => secret.variable.to_owned(),
        SecretSource::File(_, origin) => origin.to_string(),
    }
}

/// The text of a secret. The line break that editors and `echo` leave at the end of a file is not
/// part of it.
fn read(source: &SecretSource) -> Result<SecretString, ConfigError> {
    match source {
        SecretSource::Text(text) => Ok(text.clone()),
        SecretSource::File(path, origin) => {
            let text = read_file(path).map_err(|error| {
                ConfigError::at(origin, format!("cannot read {}: {error}", path.display()))
            })?;
            let text = text.expose();
            let text = text.strip_suffix('\n').unwrap_or(text);
            let text = text.strip_suffix('\r').unwrap_or(text);
            Ok(text.to_owned().into())
        }
    }
}

/// More than any secret has; a device that never ends is not read to its end.
const MOST_BYTES: u64 = 64 * 1024;

fn read_file(path: &Path) -> std::io::Result<SecretString> {
    let mut text = String::new();
    File::open(path)?
        .take(MOST_BYTES)
        .read_to_string(&mut text)?;
    Ok(text.into())
}
