//! The password hasher, with the pepper of the master key that fits the database.

use std::sync::Arc;

use token_core::key::{AccessAlgorithm, KeySources, MasterKey};
use token_core::password::BcryptHasher;
use token_core::random::Entropy;
use token_core::store::{KeyPurpose, KeyStore};
use token_core::time::Timestamp;

use storage_diesel::master_key::{self, MasterKeyFileError};

use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::settings::{MasterKeySource, Settings};

/// A hasher whose hashes the server can verify.
///
/// A master key is made only beside a SQLite database that has no keys yet, as the server would
/// do it. Whatever the key, it is proven to be the one this database was made with before a
/// password is hashed with its pepper.
pub fn hasher(store: &dyn KeyStore, context: &Context) -> Result<BcryptHasher, Failure> {
    let settings = &context.settings;
    let fresh = wait(store.keys())?.is_empty();
    let master = master_key(settings, fresh)?;
    prove(store, &master, context.now(), context.entropy.as_ref())?;
    let entropy = Arc::clone(&context.entropy);
    Ok(BcryptHasher::new(&master.pepper(), settings.cost, entropy))
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

/// Opens the sealed proof that is stored with the first key, or leaves one where there is none.
fn prove(
    store: &dyn KeyStore,
    master: &MasterKey,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<(), Failure> {
    let sources = KeySources {
        master: master.clone(),
        access_secret: None,
        access_algorithm: AccessAlgorithm::Es256,
        refresh_secret: None,
    };
    sources.check_master(&wait(store.keys())?)?;
    // The keys that sign are the server's to make, as its configuration says.
    let mut proof = sources.candidates(now, entropy);
    proof.retain(|key| key.purpose == KeyPurpose::MasterCheck);
    // Another process may have been first, with another key.
    sources.check_master(&wait(store.add_missing_keys(proof))?)?;
    Ok(())
}
