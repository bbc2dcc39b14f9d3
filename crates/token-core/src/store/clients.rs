//! Storage of registered clients.

use super::StoreFuture;
use crate::client::RegisteredClient;
use crate::id::{ClientId, SessionId};
use crate::session::Session;
use crate::time::Timestamp;

/// Registers a client, together with the session of its own tokens.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// The client.
    pub client: RegisteredClient,
    /// The session that [`RegisteredClient::session_id`] names.
    pub session: Session,
}

/// Gives a client another session for its own tokens in place of one that has ended.
#[derive(Debug, Clone)]
pub struct ReplaceClientSession {
    /// Whose.
    pub client_id: ClientId,
    /// Only where this is still the client's session.
    pub ended: SessionId,
    /// The new one.
    pub fresh: Session,
}

/// Storage of registered clients.
pub trait ClientStore: Send + Sync {
    /// Registers a client.
    fn create_client(&self, new: NewClient) -> StoreFuture<'_, ()>;

    /// A client.
    fn client(&self, id: ClientId) -> StoreFuture<'_, Option<RegisteredClient>>;

    /// All clients, oldest first.
    fn clients(&self) -> StoreFuture<'_, Vec<RegisteredClient>>;

    /// Replaces the session of a client's own tokens, and gives the one that it has then: another
    /// node may have been first. `None` if there is no such client any more.
    fn replace_client_session(
        &self,
        replace: ReplaceClientSession,
    ) -> StoreFuture<'_, Option<SessionId>>;

    /// Deletes a client and ends its sessions with [`EndReason::Admin`], its own and those of
    /// users, and says how many; `None` if there is no such client. No session of it can be opened
    /// afterwards.
    ///
    /// [`EndReason::Admin`]: crate::session::EndReason::Admin
    fn delete_client(&self, id: ClientId, now: Timestamp) -> StoreFuture<'_, Option<u64>>;
}
