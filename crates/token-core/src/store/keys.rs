//! Storage of keys. Private parts arrive here already encrypted under the master key.

use std::fmt;

use super::{AuditEvent, BoxFuture, StoreFuture};
use crate::id::KeyId;
use crate::key::life::{KeyStep, KeyTask};
use crate::time::Timestamp;

/// What a key is for. A key is never used for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// Signs access tokens.
    Access,
    /// Key material of refresh tokens: their signature and their chain.
    Refresh,
    /// What passwords are keyed with before they are hashed.
    Pepper,
    /// Proves, when it can be opened, that the master key is the one this database was made with.
    MasterCheck,
}

impl KeyPurpose {
    /// Every purpose there is.
    pub const ALL: [Self; 4] = [Self::Access, Self::Refresh, Self::Pepper, Self::MasterCheck];

    /// The name in storage, and part of what binds a ciphertext to its row.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::Pepper => "pepper",
            Self::MasterCheck => "master_check",
        }
    }
}

/// Where a key is in its life: see [`crate::key::life`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Published, not used yet.
    Pending,
    /// The one that signs.
    Active,
    /// No longer signs, still verifies.
    Retiring,
    /// Neither signs nor verifies; its secret part is gone.
    Retired,
}

impl KeyState {
    /// Every state there is.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Active, Self::Retiring, Self::Retired];

    /// The name in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }
}

/// When a key came to each state of its life, as far as it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyTimes {
    /// Since when it is known to be visible to every node that reads its keys.
    pub published_at: Option<Timestamp>,
    /// Since when it signs.
    pub activated_at: Option<Timestamp>,
    /// Since when it signs no more.
    pub retiring_at: Option<Timestamp>,
    /// Since when it is refused.
    pub retired_at: Option<Timestamp>,
}

/// A key as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its name.
    pub kid: KeyId,
    /// What it is for.
    pub purpose: KeyPurpose,
    /// The JWS algorithm, for example `ES256`, or what else is done with key material.
    pub alg: String,
    /// Where it is in its life.
    pub state: KeyState,
    /// The public key as a JWK (RFC 7517), if it has one.
    pub public_jwk: Option<String>,
    /// The secret part, sealed under the master key; empty once the key is retired.
    pub sealed: Vec<u8>,
    /// Which master key sealed it.
    pub master_kid: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it came to where it is.
    pub times: KeyTimes,
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StoredKey({} {} {})",
            self.purpose.as_str(),
            self.state.as_str(),
            self.kid
        )
    }
}

/// A change of the key ring, decided and prepared for the keys as they were read.
#[derive(Debug, Clone)]
pub struct KeyChange {
    /// What was asked for.
    pub task: KeyTask,
    /// What it comes to, as [`KeyTask::decide`] said of the keys that were read.
    pub steps: Vec<KeyStep>,
    /// A key for each [`KeyStep::Create`], in their order.
    pub fresh: Vec<StoredKey>,
    /// What the audit log is told.
    pub events: Vec<AuditEvent>,
    /// The moment of the decision, taken after the keys had been read.
    pub now: Timestamp,
    /// The master key that seals the fresh keys, and every other one.
    pub master_kid: String,
}

/// What became of a [`KeyChange`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyChangeOutcome {
    /// It was made; here are all keys that are not retired.
    Made(Vec<StoredKey>),
    /// The keys are not those any more for which it was decided: nothing was written.
    Overtaken,
    /// So many users' passwords verify only with the pepper that was to be retired: nothing was
    /// written.
    PepperInUse(u64),
}

/// Every key that is not retired, sealed under another master key.
#[derive(Debug, Clone)]
pub struct Rewrap {
    /// The keys as they were read.
    pub before: Vec<StoredKey>,
    /// The same, sealed again, in the same order. Only the master check has another name.
    pub after: Vec<StoredKey>,
    /// What the audit log is told.
    pub event: AuditEvent,
}

/// Storage of keys.
pub trait KeyStore: Send + Sync {
    /// All keys that are not retired.
    fn keys(&self) -> StoreFuture<'_, Vec<StoredKey>>;

    /// All keys that ever were, oldest first.
    fn all_keys(&self) -> StoreFuture<'_, Vec<StoredKey>>;

    /// Stores those of the given active keys whose purpose has no active key yet, and returns all
    /// keys that are not retired: nodes that start at once end up with one set.
    fn add_missing_keys(&self, keys: Vec<StoredKey>) -> StoreFuture<'_, Vec<StoredKey>>;

    /// Makes a change in one transaction that no other of its kind overlaps, if the same task
    /// still comes to the same steps there. The times of the keys are those at which it is
    /// written, however long ago it was decided.
    fn change_keys(&self, change: KeyChange) -> StoreFuture<'_, KeyChangeOutcome>;

    /// Replaces every key by the same one under another master key, in one transaction, if they
    /// still are as they were read; says whether they were.
    fn rewrap_keys(&self, rewrap: Rewrap) -> StoreFuture<'_, bool>;

    /// When the last of the sessions ends, at the latest, that are live and whose refresh token one
    /// of these keys signed; `None` if there are none. This may read every session.
    fn refresh_keys_needed_until(
        &self,
        kids: Vec<KeyId>,
        now: Timestamp,
    ) -> StoreFuture<'_, Option<Timestamp>>;

    /// Comes when other processes may have changed keys since this was last awaited: a hint like
    /// [`changed`](super::FeedStore::changed), with the same reservations.
    fn keys_changed(&self) -> BoxFuture<'_, ()>;
}
