//! `renewctl key rewrap`

use std::path::{Path, PathBuf};

use storage_diesel::Storage;
use storage_diesel::master_key::{self, MasterKeyFileError};
use token_core::key::MasterKey;
use token_core::store::KeyStore;

use super::ATTEMPTS;
use crate::args::RewrapKeys;
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::hashing::key_sources;
use crate::output::{Answer, Rewrapped};
use crate::settings::MasterKeySource;

/// Seals every key under another master key, in one transaction. The new one is on disk before,
/// and only afterwards takes the place of the old one beside a SQLite database. Stopped anywhere,
/// it can be run again.
pub fn run(how: &RewrapKeys, context: &Context) -> Result<Answer, Failure> {
    let file = &how.new_master_key_file;
    let store = context.open()?;
    if wait(store.keys())?.is_empty() {
        return Err(Failure::NoKeys);
    }
    let new = master_key::load_or_create(file)?;
    let stored = wait(store.keys())?;
    let is_done = stored.iter().all(|key| key.master_kid == new.kid());
    if !is_done {
        seal_again(&store, &new, context)?;
    }
    let kept = match &context.settings.master {
        MasterKeySource::Beside(place) => take_place(place, file, &new)?,
        MasterKeySource::Given(_) | MasterKeySource::File(_) | MasterKeySource::Nowhere => None,
    };
    let in_place = matches!(context.settings.master, MasterKeySource::Beside(_));
    Ok(Answer::Rewrapped(Rewrapped {
        keys: stored.len(),
        master_kid: new.kid(),
        new_master_key_file: file.clone(),
        in_place,
        kept,
    }))
}

fn seal_again(store: &Storage, new: &MasterKey, context: &Context) -> Result<(), Failure> {
    let sources = key_sources(store, context)?;
    for _ in 0..ATTEMPTS {
        let stored = wait(store.keys())?;
        let now = store.clock().now();
        let rewrap = sources.rewrap(new, stored, now, context.entropy.as_ref())?;
        if wait(store.rewrap_keys(rewrap))? {
            return Ok(());
        }
    }
    Err(Failure::KeysContended)
}

/// Puts the new key where the server looks, if it is not there yet, and says where the old one is.
fn take_place(
    place: &Path,
    file: &Path,
    new: &MasterKey,
) -> Result<Option<PathBuf>, MasterKeyFileError> {
    if place == file || master_key::load(place)?.kid() == new.kid() {
        return Ok(None);
    }
    master_key::replace(place, new).map(Some)
}
