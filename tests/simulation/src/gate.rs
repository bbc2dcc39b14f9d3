//! The gate: every call of a storage port stands still before and after, and the scheduler says
//! what becomes of it. A call that was let go is done to its end before anything else moves, so
//! that nothing depends on the timing of threads.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

use pollster::block_on;
use storage_diesel::Storage;
use token_core::client::RegisteredClient;
use token_core::id::{ClientId, KeyId, SessionId, UserId};
use token_core::password::PasswordHash;
use token_core::session::Session;
use token_core::store::{
    AuditEvent, BoxFuture, ChangePassword, ClientStore, CreateOutcome, DeleteUser, EndOutcome,
    EndSession, EndSessionsOf, FeedCursor, FeedPage, FeedStore, KeyChange, KeyChangeOutcome,
    KeyStore, NewClient, NewUser, OpenOutcome, OpenSession, PasswordOutcome, ProfileChange,
    ProfileOutcome, ReplaceClientSession, Rewrap, SessionFilter, SessionStore, StatusListPage,
    StoreError, StoreFuture, StoredKey, SweepBefore, UserStore,
};
use token_core::time::Timestamp;
use token_core::token::rotation::{Rotation, RotationOutcome};
use token_core::user::{Credentials, Identifier, User};

use crate::control::{Control, Effect, Fate, Halt, Port};
use crate::sabotage::Sabotage;

/// A storage behind gates.
pub struct Gate {
    storage: Arc<Storage>,
    control: Arc<Control>,
    sabotage: Sabotage,
}

impl Gate {
    pub fn new(storage: Arc<Storage>, control: Arc<Control>, sabotage: Sabotage) -> Self {
        Self {
            storage,
            control,
            sabotage,
        }
    }

    /// Makes a call when the scheduler lets it, and looks at what came of it before anybody else.
    fn pass<'a, T: Send + 'a>(
        &'a self,
        port: Port,
        call: impl FnOnce(&'a Storage) -> StoreFuture<'a, T> + Send + 'a,
        look: impl FnOnce(T) -> T + Send + 'a,
    ) -> StoreFuture<'a, T> {
        self.control.count_call();
        Box::pin(async move {
            let fate = self.control.halt(Halt::Before(port)).await;
            if fate == Fate::Refuse {
                return Err(refused());
            }
            // Queued by this very call, if it writes: the order of the queue is the scheduler's.
            let answer = call(&self.storage);
            if fate == Fate::Queue {
                self.control.halt(Halt::Queued(port)).await;
            }
            let answer = block_on(answer).map(look);
            self.control.halt(Halt::After(port)).await;
            match fate {
                Fate::Lose => Err(refused()),
                Fate::Go | Fate::Queue | Fate::Refuse => answer,
            }
        })
    }

    /// Likewise, for a call that nobody needs to look at.
    fn just<'a, T: Send + 'a>(
        &'a self,
        port: Port,
        call: impl FnOnce(&'a Storage) -> StoreFuture<'a, T> + Send + 'a,
    ) -> StoreFuture<'a, T> {
        self.pass(port, call, |answer| answer)
    }
}

fn refused() -> StoreError {
    StoreError::Unavailable("the simulation says so".into())
}

impl SessionStore for Gate {
    fn open_session(&self, open: OpenSession) -> StoreFuture<'_, OpenOutcome> {
        let id = open.session.id;
        let user = open.session.user_id;
        let created_at = open.session.created_at;
        let hash = open.verified_hash.as_str().to_owned();
        self.pass(
            Port::OpenSession,
            move |storage| storage.open_session(self.sabotage.opening(open)),
            move |outcome| {
                if matches!(outcome, OpenOutcome::Opened(..)) {
                    self.control.note(Effect::Opened {
                        id,
                        user,
                        hash,
                        created_at,
                    });
                }
                outcome
            },
        )
    }

    fn rotate(&self, rotation: Rotation) -> StoreFuture<'_, RotationOutcome> {
        let asked = rotation.clone();
        self.pass(
            Port::Rotate,
            move |storage| storage.rotate(self.sabotage.rotation(rotation)),
            move |outcome| {
                if let RotationOutcome::Recovered(granted) = &outcome {
                    let generation = i64::try_from(granted.session.generation).unwrap_or(0);
                    let id = asked.presented.session_id;
                    self.control.note(Effect::Recovered(id, generation));
                }
                self.sabotage.rotated(&asked, outcome)
            },
        )
    }

    fn end_session(&self, end: EndSession) -> StoreFuture<'_, EndOutcome> {
        if self.sabotage.answers_before_commit(&end) {
            return Box::pin(std::future::ready(Ok(EndOutcome::Ended)));
        }
        self.just(Port::EndSession, move |storage| storage.end_session(end))
    }

    fn end_sessions_of(&self, end: EndSessionsOf) -> StoreFuture<'_, u64> {
        self.just(Port::EndSessionsOf, move |s| s.end_sessions_of(end))
    }

    fn session(&self, id: SessionId) -> StoreFuture<'_, Option<(Session, Option<User>)>> {
        self.just(Port::Session, move |storage| storage.session(id))
    }

    fn sessions(&self, filter: SessionFilter) -> StoreFuture<'_, Vec<Session>> {
        self.just(Port::Other, move |storage| storage.sessions(filter))
    }

    fn status_list(&self, list: u32, since: Timestamp) -> StoreFuture<'_, StatusListPage> {
        self.just(Port::Other, move |s| s.status_list(list, since))
    }

    fn record(&self, event: AuditEvent) -> StoreFuture<'_, ()> {
        self.just(Port::Record, move |storage| storage.record(event))
    }

    fn sweep(&self, before: SweepBefore) -> StoreFuture<'_, u64> {
        self.just(Port::Sweep, move |storage| storage.sweep(before))
    }
}

impl UserStore for Gate {
    fn create_user(&self, user: NewUser, now: Timestamp) -> StoreFuture<'_, CreateOutcome> {
        self.just(Port::Other, move |s| s.create_user(user, now))
    }

    fn credentials(&self, identifier: Identifier) -> StoreFuture<'_, Option<Credentials>> {
        self.just(Port::Credentials, move |s| s.credentials(identifier))
    }

    fn credentials_of(&self, id: UserId) -> StoreFuture<'_, Option<Credentials>> {
        self.just(Port::Credentials, move |s| s.credentials_of(id))
    }

    fn user(&self, id: UserId) -> StoreFuture<'_, Option<User>> {
        self.just(Port::Other, move |storage| storage.user(id))
    }

    fn find_user(&self, identifier: Identifier) -> StoreFuture<'_, Option<User>> {
        self.just(Port::Other, move |s| s.find_user(identifier))
    }

    fn users(&self, after_key: Option<String>, limit: u32) -> StoreFuture<'_, Vec<User>> {
        self.just(Port::Other, move |s| s.users(after_key, limit))
    }

    fn change_profile(&self, change: ProfileChange) -> StoreFuture<'_, ProfileOutcome> {
        self.just(Port::Other, move |s| s.change_profile(change))
    }

    fn change_password(&self, change: ChangePassword) -> StoreFuture<'_, PasswordOutcome> {
        let user = change.user_id;
        let hash = change.new_hash.as_str().to_owned();
        let fresh = change.fresh_session.as_ref().map(|s| (s.id, s.created_at));
        self.pass(
            Port::ChangePassword,
            move |storage| storage.change_password(change),
            move |outcome| {
                if let (PasswordOutcome::Changed(..), Some((id, created_at))) = (&outcome, fresh) {
                    self.control.note(Effect::Opened {
                        id,
                        user,
                        hash,
                        created_at,
                    });
                }
                outcome
            },
        )
    }

    fn renew_hash(
        &self,
        user_id: UserId,
        old: PasswordHash,
        new: PasswordHash,
    ) -> StoreFuture<'_, bool> {
        self.just(Port::Other, move |s| s.renew_hash(user_id, old, new))
    }

    fn disable_user(&self, id: UserId, now: Timestamp) -> StoreFuture<'_, bool> {
        self.pass(
            Port::DisableUser,
            move |storage| storage.disable_user(id, now),
            move |found| {
                self.sabotage.disabled(id);
                found
            },
        )
    }

    fn enable_user(&self, id: UserId) -> StoreFuture<'_, bool> {
        self.just(Port::EnableUser, move |storage| storage.enable_user(id))
    }

    fn delete_user(&self, delete: DeleteUser) -> StoreFuture<'_, bool> {
        self.just(Port::DeleteUser, move |s| s.delete_user(delete))
    }
}

impl KeyStore for Gate {
    fn keys(&self) -> StoreFuture<'_, Vec<StoredKey>> {
        self.just(Port::Keys, |storage| storage.keys())
    }

    fn all_keys(&self) -> StoreFuture<'_, Vec<StoredKey>> {
        self.just(Port::Keys, |storage| storage.all_keys())
    }

    fn add_missing_keys(&self, keys: Vec<StoredKey>) -> StoreFuture<'_, Vec<StoredKey>> {
        self.just(Port::ChangeKeys, move |s| s.add_missing_keys(keys))
    }

    fn change_keys(&self, change: KeyChange) -> StoreFuture<'_, KeyChangeOutcome> {
        self.just(Port::ChangeKeys, move |s| s.change_keys(change))
    }

    fn rewrap_keys(&self, rewrap: Rewrap) -> StoreFuture<'_, bool> {
        self.just(Port::ChangeKeys, move |s| s.rewrap_keys(rewrap))
    }

    fn refresh_keys_needed_until(
        &self,
        kids: Vec<KeyId>,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<Timestamp>> {
        self.just(Port::Keys, move |s| s.refresh_keys_needed_until(kids, now))
    }

    fn keys_changed(&self) -> BoxFuture<'_, ()> {
        self.storage.keys_changed()
    }
}

impl FeedStore for Gate {
    fn ended_sessions(&self, cursor: FeedCursor, since: Timestamp) -> StoreFuture<'_, FeedPage> {
        self.pass(
            Port::EndedSessions,
            move |storage| storage.ended_sessions(cursor, since),
            move |page| {
                self.control.note(Effect::Polled);
                self.sabotage.polled(cursor, page)
            },
        )
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        self.storage.changed()
    }

    fn heartbeat(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.pass(
            Port::Other,
            |storage| storage.heartbeat(),
            |heartbeat| self.sabotage.heartbeat(heartbeat),
        )
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        self.just(Port::Other, |storage| storage.ping())
    }
}

impl ClientStore for Gate {
    fn create_client(&self, new: NewClient) -> StoreFuture<'_, ()> {
        self.just(Port::Other, move |storage| storage.create_client(new))
    }

    fn client(&self, id: ClientId) -> StoreFuture<'_, Option<RegisteredClient>> {
        self.just(Port::Other, move |storage| storage.client(id))
    }

    fn clients(&self) -> StoreFuture<'_, Vec<RegisteredClient>> {
        self.just(Port::Other, |storage| storage.clients())
    }

    fn replace_client_session(
        &self,
        replace: ReplaceClientSession,
    ) -> StoreFuture<'_, Option<SessionId>> {
        self.just(Port::Other, move |s| s.replace_client_session(replace))
    }

    fn delete_client(&self, id: ClientId, now: Timestamp) -> StoreFuture<'_, Option<u64>> {
        self.just(Port::Other, move |s| s.delete_client(id, now))
    }
}

/// Holds the thread that writes just after a commit, so that what is queued meanwhile is the next
/// batch, whole, however fast that thread is.
#[derive(Default)]
pub struct Brake {
    state: Mutex<BrakeState>,
    changed: Condvar,
}

#[derive(Default)]
struct BrakeState {
    wanted: bool,
    held: bool,
}

impl Brake {
    /// Called by the thread that writes after each commit.
    pub fn committed(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.wanted {
            return;
        }
        state.held = true;
        self.changed.notify_all();
        while state.wanted {
            state = self.wait(state);
        }
        state.held = false;
        self.changed.notify_all();
    }

    /// Holds the writer while `queue` runs.
    pub fn hold<T>(&self, storage: &Storage, queue: impl FnOnce() -> T) -> T {
        self.state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .wanted = true;
        // Something to commit, so that there is a commit to be held after.
        let plug = storage.ping();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.held {
            state = self.wait(state);
        }
        drop(state);
        let done = queue();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.wanted = false;
        self.changed.notify_all();
        while state.held {
            state = self.wait(state);
        }
        drop(state);
        // The writer is held after its commit, so that it cannot fail any more.
        drop(block_on(plug));
        done
    }

    fn wait<'a>(
        &self,
        state: std::sync::MutexGuard<'a, BrakeState>,
    ) -> std::sync::MutexGuard<'a, BrakeState> {
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }
}
