//! How much is stored, for those who run the database.

use token_core::store::StoreFuture;
use token_core::time::Timestamp;

use crate::queries::counts;
use crate::storage::Storage;

/// How much is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Accounts.
    pub users: u64,
    /// Sessions, those that ended or expired included, as long as they are kept.
    pub sessions: u64,
    /// Sessions whose refresh token works.
    pub live_sessions: u64,
}

impl Storage {
    /// Counts everything, which takes as long as reading it.
    pub fn counts(&self, now: Timestamp) -> StoreFuture<'_, Counts> {
        self.read(move |conn| counts::count(conn, now))
    }
}
