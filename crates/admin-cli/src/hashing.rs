//! The password hasher, with the pepper of the master key that fits the database.

use std::sync::Arc;

use token_core::key::{AccessAlgorithm, KeySources, MasterKey};
use token_core::password::BcryptHasher;
use token_core::store::{KeyPurpose, KeyStore, StoredKey};

use storage_diesel::master_key::{self, MasterKeyFileError};

use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::settings::{MasterKeySource, Settings};

/// A hasher whose hashes the server can verify.
///
/// A master key is made only beside a SQLite database that has no keys yet, as the server would
/// do it. Whatever the key, it is proven to be the one this database was made with before a
/// password is hashed with the pepper that it opens.
pub fn hasher(store: &dyn KeyStore, context: &Context) -> Result<BcryptHasher, Failure> {
    let fresh = wait(store.keys())?.is_empty();
    let sources = sources(master_key(&context.settings, fresh)?);
    let peppers = sources.peppers(&prove(store, &sources, context)?)?;
    let entropy = Arc::clone(&context.entropy);
    let hasher = BcryptHasher::new(peppers.active(), context.settings.cost, entropy);
    Ok(hasher)
}

/// What opens the keys of the database, and makes new ones; proven like that of [`hasher`].
pub fn key_sources(store: &dyn KeyStore, context: &Context) -> Result<KeySources, Failure> {
    let sources = sources(master_key(&context.settings, false)?);
    prove(store, &sources, context)?;
    Ok(sources)
}

/// The keys that sign are made by the server, as its configuration says, or like the ones they
/// succeed.
const fn sources(master: MasterKey) -> KeySources {
    KeySources {
        master,
        access_secret: None,
        access_algorithm: AccessAlgorithm::Es256,
        refresh_secret: None,
    }
}

/// The master key, as it is configured.
pub fn master_key(settings: &Settings, fresh: bool) -> Result<MasterKey, Failure> {
    let loaded = match &settings.master {
        MasterKeySource::Given(key) => return Ok(key.clone()),
        MasterKeySource::Nowhere => return Err(Failure::MasterKeyNotGiven),
        MasterKeySource::Beside(path) if fresh => master_key::load_or_create(path),
        MasterKeySource::Beside(path) | MasterKeySource::File(path) => master_key::load(path),
    };
    loaded.map_err(|error| match error {
        MasterKeyFileError::Missing { .. } if !fresh => Failure::MasterKeyLost(error),
        error => error.into(),
    })
}

/// Opens the sealed proof that is stored with the first key, or leaves one where there is none, and
/// the first pepper with it. Gives the keys that are there then.
fn prove(
    store: &dyn KeyStore,
    sources: &KeySources,
    context: &Context,
) -> Result<Vec<StoredKey>, Failure> {
    let stored = wait(store.keys())?;
    sources.check_master(&stored)?;
    let mut missing = sources.missing(&stored, context.now(), context.entropy.as_ref());
    // The keys that sign are the server's to make, as its configuration says.
    missing.retain(|key| matches!(key.purpose, KeyPurpose::MasterCheck | KeyPurpose::Pepper));
    let stored = wait(store.add_missing_keys(missing))?;
    // Another process may have been first, with another key.
    sources.check_master(&stored)?;
    Ok(stored)
}
