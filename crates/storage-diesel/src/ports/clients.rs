//! [`ClientStore`].

use token_core::client::RegisteredClient;
use token_core::id::{ClientId, SessionId};
use token_core::store::{ClientStore, NewClient, ReplaceClientSession, StoreFuture};
use token_core::time::Timestamp;

use crate::queries::clients;
use crate::storage::Storage;

impl ClientStore for Storage {
    fn create_client(&self, new: NewClient) -> StoreFuture<'_, ()> {
        self.write(move |tx| clients::create(tx.conn, &new))
    }

    fn client(&self, id: ClientId) -> StoreFuture<'_, Option<RegisteredClient>> {
        self.read(move |conn| clients::find(conn, &id))
    }

    fn clients(&self) -> StoreFuture<'_, Vec<RegisteredClient>> {
        self.read(clients::list)
    }

    fn replace_client_session(
        &self,
        replace: ReplaceClientSession,
    ) -> StoreFuture<'_, Option<SessionId>> {
        self.write(move |tx| clients::replace_session(tx.conn, &replace))
    }

    fn delete_client(&self, id: ClientId, now: Timestamp) -> StoreFuture<'_, Option<u64>> {
        self.write(move |tx| clients::delete(tx, &id, now))
    }
}
