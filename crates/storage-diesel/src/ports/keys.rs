//! [`KeyStore`].

use std::future::pending;
use std::sync::Arc;

use token_core::id::KeyId;
use token_core::store::{
    BoxFuture, KeyChange, KeyChangeOutcome, KeyStore, Rewrap, StoreFuture, StoredKey,
};
use token_core::time::Timestamp;

use crate::queries::{keys, sessions};
use crate::storage::{Database, Storage};

impl KeyStore for Storage {
    fn keys(&self) -> StoreFuture<'_, Vec<StoredKey>> {
        self.read(keys::list)
    }

    fn all_keys(&self) -> StoreFuture<'_, Vec<StoredKey>> {
        self.read(keys::list_all)
    }

    fn add_missing_keys(&self, wanted: Vec<StoredKey>) -> StoreFuture<'_, Vec<StoredKey>> {
        self.write(move |tx| keys::add_missing(tx, &wanted))
    }

    fn change_keys(&self, change: KeyChange) -> StoreFuture<'_, KeyChangeOutcome> {
        let clock = Arc::clone(&self.clock());
        // A decision may be old by now, and what it begins must not be dated back.
        self.write(move |tx| keys::change(tx, &change, change.now.max(clock.now())))
    }

    fn rewrap_keys(&self, rewrap: Rewrap) -> StoreFuture<'_, bool> {
        self.write(move |tx| keys::rewrap(tx, &rewrap))
    }

    fn refresh_keys_needed_until(
        &self,
        kids: Vec<KeyId>,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<Timestamp>> {
        self.read(move |conn| sessions::last_end_of_keys(conn, &kids, now))
    }

    fn keys_changed(&self) -> BoxFuture<'_, ()> {
        match &self.database {
            // Whoever wants to know has to look.
            Database::Sqlite(_) => Box::pin(pending()),
            Database::Postgres(database) => Box::pin(database.keys_changed()),
        }
    }
}
