//! Finds the master key, or makes the first one.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use storage_diesel::master_key::{self, MasterKeyFileError};
use token_core::key::MasterKey;
use token_core::store::KeyStore;

use super::ServeError;
use crate::config::keys::MasterKeyPlace;

/// Permissions of the group and of everybody else.
const OTHERS: u32 = 0o077;

/// The configured key, or the one in its usual place. It is made only for a database without keys:
/// for any other it would open nothing, and hide that the right one is lost. It is on disk before
/// anything is sealed with it, so that whoever finds keys in the database finds its file too.
pub(super) async fn find(
    config: &MasterKeyPlace,
    store: &dyn KeyStore,
) -> Result<MasterKey, ServeError> {
    match config {
        MasterKeyPlace::Given { key, .. } => Ok(key.0.clone()),
        MasterKeyPlace::Managed(path) if store.keys().await?.is_empty() => {
            Ok(master_key::load_or_create(path)?)
        }
        MasterKeyPlace::Managed(path) => master_key::load(path).map_err(|error| match error {
            MasterKeyFileError::Missing { path } => ServeError::LostMasterKey { path },
            error => error.into(),
        }),
    }
}

/// What should be known of the key's file. Mounted secrets are often readable by more than their
/// owner on purpose, so that this is no error.
pub(super) fn warning(file: &Path) -> Option<String> {
    let mode = file.metadata().ok()?.permissions().mode();
    (mode & OTHERS != 0).then(|| {
        format!(
            "the master key file {} can be read by others (mode {:03o}): chmod 600 it",
            file.display(),
            mode & 0o777
        )
    })
}
