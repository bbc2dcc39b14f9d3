//! The storage ports. Each method is a whole unit of work: one invariant, one transaction, one
//! method. An implementation answers only after what it did is durable.
//!
//! Ended sessions: an implementation that ends sessions puts them into the process's
//! [`RevocationSet`](crate::revocation::RevocationSet) after the commit and before it answers, so
//! that a caller that goes away in between cannot leave the set behind.

mod clients;
mod feed;
mod keys;
mod sessions;
mod users;

use std::future::Future;
use std::pin::Pin;

pub use clients::{ClientStore, NewClient, ReplaceClientSession};
pub use feed::{FeedCursor, FeedPage, FeedStore};
pub use keys::{
    KeyChange, KeyChangeOutcome, KeyPurpose, KeyState, KeyStore, KeyTimes, Rewrap, StoredKey,
};
pub use sessions::{
    AuditEvent, AuditKind, EndOutcome, EndSession, EndSessionsOf, OpenOutcome, OpenSession,
    SessionFilter, SessionStore, SweepBefore,
};
pub use users::{
    ChangePassword, CreateOutcome, DeleteUser, NameReservation, NewUser, PasswordOutcome,
    ProfileChange, ProfileOutcome, UserStore,
};

/// A future that a port returns: boxed, sendable, of no particular runtime.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a storage call gives.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Storage could not do the work. Nothing that it was asked for has been acknowledged; a write may
/// nevertheless have happened when the fault hit after the commit.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is out of reach, full, too slow, or failed in a way that may pass.
    #[error("storage is unavailable: {0}")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A stored value is not what renewd writes there.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
}

/// Everything renewd stores.
pub trait Store: SessionStore + UserStore + KeyStore + FeedStore + ClientStore {}

impl<T: SessionStore + UserStore + KeyStore + FeedStore + ClientStore> Store for T {}
