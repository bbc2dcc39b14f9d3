//! A storage that nobody waits for longer than they want to. What was asked goes on or fails on a
//! thread of the storage's: nobody knows yet what became of it, and a client that tries again is
//! answered as for any lost reply.

use std::sync::Arc;
use std::time::Duration;

use token_core::client::RegisteredClient;
use token_core::id::{ClientId, KeyId, SessionId, UserId};
use token_core::password::PasswordHash;
use token_core::session::Session;
use token_core::store::{
    AuditEvent, BoxFuture, ChangePassword, ClientStore, CreateOutcome, DeleteUser, EndOutcome,
    EndSession, EndSessionsOf, FeedCursor, FeedPage, FeedStore, KeyChange, KeyChangeOutcome,
    KeyStore, NewClient, NewUser, OpenOutcome, OpenSession, PasswordOutcome, ProfileChange,
    ProfileOutcome, ReplaceClientSession, Rewrap, SessionFilter, SessionStore, StatusListPage,
    Store, StoreError, StoreFuture, StoredKey, SweepBefore, UserStore,
};
use token_core::time::Timestamp;
use token_core::token::rotation::{Rotation, RotationOutcome};
use token_core::user::{Credentials, Identifier, User};
use tokio::time::timeout;

/// What is read while nobody is kept waiting, at the start or by a job, may be a large part of the
/// database.
const AT_LENGTH: Duration = Duration::from_mins(1);

/// A storage that answers in time, or says that it did not.
pub(super) struct Patient<S> {
    store: Arc<S>,
    patience: Duration,
}

#[derive(Debug, thiserror::Error)]
#[error("the database did not answer within {} s", .0.as_secs())]
struct TooSlow(Duration);

impl<S: Store> Patient<S> {
    /// Lets nobody wait for `store` longer than `patience`.
    pub(super) const fn new(store: Arc<S>, patience: Duration) -> Self {
        Self { store, patience }
    }

    fn soon<'a, T: 'a>(&self, work: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        within(self.patience, work)
    }
}

fn within<'a, T: 'a>(patience: Duration, work: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
    Box::pin(async move {
        match timeout(patience, work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(StoreError::Unavailable(Box::new(TooSlow(patience)))),
        }
    })
}

impl<S: Store> SessionStore for Patient<S> {
    fn open_session(&self, open: OpenSession) -> StoreFuture<'_, OpenOutcome> {
        self.soon(self.store.open_session(open))
    }

    fn rotate(&self, rotation: Rotation) -> StoreFuture<'_, RotationOutcome> {
        self.soon(self.store.rotate(rotation))
    }

    fn end_session(&self, end: EndSession) -> StoreFuture<'_, EndOutcome> {
        self.soon(self.store.end_session(end))
    }

    fn end_sessions_of(&self, end: EndSessionsOf) -> StoreFuture<'_, u64> {
        self.soon(self.store.end_sessions_of(end))
    }

    fn session(&self, id: SessionId) -> StoreFuture<'_, Option<(Session, Option<User>)>> {
        self.soon(self.store.session(id))
    }

    fn sessions(&self, filter: SessionFilter) -> StoreFuture<'_, Vec<Session>> {
        self.soon(self.store.sessions(filter))
    }

    fn status_list(&self, list: u32, since: Timestamp) -> StoreFuture<'_, StatusListPage> {
        self.soon(self.store.status_list(list, since))
    }

    fn record(&self, event: AuditEvent) -> StoreFuture<'_, ()> {
        self.soon(self.store.record(event))
    }

    fn sweep(&self, before: SweepBefore) -> StoreFuture<'_, u64> {
        self.soon(self.store.sweep(before))
    }
}

impl<S: Store> UserStore for Patient<S> {
    fn create_user(&self, user: NewUser, now: Timestamp) -> StoreFuture<'_, CreateOutcome> {
        self.soon(self.store.create_user(user, now))
    }

    fn credentials(&self, identifier: Identifier) -> StoreFuture<'_, Option<Credentials>> {
        self.soon(self.store.credentials(identifier))
    }

    fn credentials_of(&self, id: UserId) -> StoreFuture<'_, Option<Credentials>> {
        self.soon(self.store.credentials_of(id))
    }

    fn user(&self, id: UserId) -> StoreFuture<'_, Option<User>> {
        self.soon(self.store.user(id))
    }

    fn find_user(&self, identifier: Identifier) -> StoreFuture<'_, Option<User>> {
        self.soon(self.store.find_user(identifier))
    }

    fn users(&self, after_key: Option<String>, limit: u32) -> StoreFuture<'_, Vec<User>> {
        self.soon(self.store.users(after_key, limit))
    }

    fn change_profile(&self, change: ProfileChange) -> StoreFuture<'_, ProfileOutcome> {
        self.soon(self.store.change_profile(change))
    }

    fn change_password(&self, change: ChangePassword) -> StoreFuture<'_, PasswordOutcome> {
        self.soon(self.store.change_password(change))
    }

    fn renew_hash(
        &self,
        user_id: UserId,
        old: PasswordHash,
        new: PasswordHash,
    ) -> StoreFuture<'_, bool> {
        self.soon(self.store.renew_hash(user_id, old, new))
    }

    fn disable_user(&self, id: UserId, now: Timestamp) -> StoreFuture<'_, bool> {
        self.soon(self.store.disable_user(id, now))
    }

    fn enable_user(&self, id: UserId) -> StoreFuture<'_, bool> {
        self.soon(self.store.enable_user(id))
    }

    fn delete_user(&self, delete: DeleteUser) -> StoreFuture<'_, bool> {
        self.soon(self.store.delete_user(delete))
    }
}

impl<S: Store> KeyStore for Patient<S> {
    fn keys(&self) -> StoreFuture<'_, Vec<StoredKey>> {
        self.soon(self.store.keys())
    }

    fn all_keys(&self) -> StoreFuture<'_, Vec<StoredKey>> {
        self.soon(self.store.all_keys())
    }

    fn add_missing_keys(&self, keys: Vec<StoredKey>) -> StoreFuture<'_, Vec<StoredKey>> {
        self.soon(self.store.add_missing_keys(keys))
    }

    fn change_keys(&self, change: KeyChange) -> StoreFuture<'_, KeyChangeOutcome> {
        self.soon(self.store.change_keys(change))
    }

    fn rewrap_keys(&self, rewrap: Rewrap) -> StoreFuture<'_, bool> {
        self.soon(self.store.rewrap_keys(rewrap))
    }

    /// The job that looks after keys asks, and nobody waits for it.
    fn refresh_keys_needed_until(
        &self,
        kids: Vec<KeyId>,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<Timestamp>> {
        within(AT_LENGTH, self.store.refresh_keys_needed_until(kids, now))
    }

    /// As long as it takes: nothing is asked of the database.
    fn keys_changed(&self) -> BoxFuture<'_, ()> {
        self.store.keys_changed()
    }
}

impl<S: Store> ClientStore for Patient<S> {
    fn create_client(&self, new: NewClient) -> StoreFuture<'_, ()> {
        self.soon(self.store.create_client(new))
    }

    fn client(&self, id: ClientId) -> StoreFuture<'_, Option<RegisteredClient>> {
        self.soon(self.store.client(id))
    }

    fn clients(&self) -> StoreFuture<'_, Vec<RegisteredClient>> {
        self.soon(self.store.clients())
    }

    fn replace_client_session(
        &self,
        replace: ReplaceClientSession,
    ) -> StoreFuture<'_, Option<SessionId>> {
        self.soon(self.store.replace_client_session(replace))
    }

    fn delete_client(&self, id: ClientId, now: Timestamp) -> StoreFuture<'_, Option<u64>> {
        self.soon(self.store.delete_client(id, now))
    }
}

impl<S: Store> FeedStore for Patient<S> {
    fn ended_sessions(&self, cursor: FeedCursor, since: Timestamp) -> StoreFuture<'_, FeedPage> {
        let patience = match cursor.position() {
            // The whole retention, not what is new.
            None => self.patience.max(AT_LENGTH),
            Some(_) => self.patience,
        };
        within(patience, self.store.ended_sessions(cursor, since))
    }

    /// As long as it takes: nothing is asked of the database.
    fn changed(&self) -> BoxFuture<'_, ()> {
        self.store.changed()
    }

    fn heartbeat(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.soon(self.store.heartbeat())
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        self.soon(self.store.ping())
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[actix_web::test]
    async fn what_takes_too_long_is_unavailable() {
        let patience = Duration::from_millis(10);
        let never: StoreFuture<'_, ()> = Box::pin(pending());
        let error = within(patience, never).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        let damaged: StoreFuture<'_, ()> =
            Box::pin(ready(Err(StoreError::Damaged("it".to_owned()))));
        let error = within(patience, damaged).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged(_)), "{error}");
        assert_eq!(within(patience, Box::pin(ready(Ok(7)))).await.unwrap(), 7);
    }
}
