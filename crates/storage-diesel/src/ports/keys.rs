//! [`KeyStore`].

use token_core::store::{KeyStore, StoreFuture, StoredKey};

use crate::queries::keys;
use crate::storage::Storage;

impl KeyStore for Storage {
    fn keys(&self) -> StoreFuture<'_, Vec<StoredKey>> {
        self.read(keys::list)
    }

    fn add_missing_keys(&self, wanted: Vec<StoredKey>) -> StoreFuture<'_, Vec<StoredKey>> {
        self.write(move |tx| keys::add_missing(tx, &wanted))
    }
}
