//! What a process needs to know of the work of others.

use super::{BoxFuture, StoreFuture};
use crate::id::SessionId;
use crate::time::Timestamp;

/// How far a feed of ended sessions was read; only storage knows what it means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FeedCursor(Option<u64>);

impl FeedCursor {
    /// Before anything was read: the next page has the whole retention window.
    pub const START: Self = Self(None);

    /// A position that storage chose.
    pub const fn at(position: u64) -> Self {
        Self(Some(position))
    }

    /// The position that storage chose, if any.
    pub const fn position(self) -> Option<u64> {
        self.0
    }
}

/// Sessions that ended, some of them perhaps seen before.
#[derive(Debug, Clone)]
pub struct FeedPage {
    /// Which, and when.
    pub ended: Vec<(SessionId, Timestamp)>,
    /// Where to go on.
    pub cursor: FeedCursor,
}

/// The feed of ended sessions, and the state of the database as a whole.
pub trait FeedStore: Send + Sync {
    /// Sessions that other processes ended since `cursor`; at [`FeedCursor::START`] all that ended
    /// since `since`. Cheap when nothing happened.
    fn ended_sessions(&self, cursor: FeedCursor, since: Timestamp) -> StoreFuture<'_, FeedPage>;

    /// Comes when other processes may have ended sessions since this was last awaited: a hint to
    /// read the feed now rather than when its time has come. It may come for nothing, and never
    /// comes where storage is told nothing. For one waiter at a time; dropped before it came, it
    /// takes no hint away.
    fn changed(&self) -> BoxFuture<'_, ()>;

    /// When a refresh token was last made by whoever works with this storage, up to about a second
    /// too early; `None` if none ever was. For the start of a process: it knows from this since when
    /// nobody could refresh. Where the clock was set back since, this may be in the future.
    fn heartbeat(&self) -> StoreFuture<'_, Option<Timestamp>>;

    /// Whether the database answers, can write, and has about the same time as this machine.
    fn ping(&self) -> StoreFuture<'_, ()>;
}
