//! What runs beside the requests: the feed of ended sessions, keys, sweeping, readiness.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Service;
use crate::key::{KeyRing, KeyRingError};
use crate::store::{FeedCursor, StoreError, SweepBefore};

/// How long ended sessions are kept for people who ask what happened.
const KEPT_FOR_PEOPLE: Duration = Duration::from_hours(30 * 24);
/// How many sessions one sweep deletes, so that it never holds the writer for long.
const SWEEP_LIMIT: u32 = 500;
/// Strangers can name keys that do not exist; they cause one look at storage in this time.
const RELOAD_COOL_DOWN: Duration = Duration::from_secs(10);

/// Why maintenance failed.
#[derive(Debug, thiserror::Error)]
pub enum MaintenanceError {
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stored keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
}

/// Where the feed was read to, and when keys were last looked up for a stranger.
#[derive(Debug, Default)]
pub(super) struct Feed {
    cursor: Mutex<FeedCursor>,
    last_reload: Mutex<Option<Duration>>,
}

impl Service {
    /// Merges what other processes ended into the revocation set, and forgets what is too old.
    /// To be called again and again by one caller; the first time reads the whole retention.
    pub async fn poll_ended_sessions(&self) -> Result<(), StoreError> {
        let started = self.parts.clock.monotonic();
        let now = self.now();
        let cursor = *self
            .feed
            .cursor
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let revocations = &self.parts.revocations;
        let since = now.minus(revocations.retention());
        let page = match self.parts.store.ended_sessions(cursor, since).await {
            Ok(page) => page,
            Err(error) => {
                self.outages.failed();
                return Err(error);
            }
        };
        for (id, ended_at) in page.ended {
            revocations.insert(id, ended_at, now, started);
        }
        *self
            .feed
            .cursor
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = page.cursor;
        revocations.completed_poll(started);
        revocations.expire(started);
        self.outages.reached(now);
        Ok(())
    }

    /// Reads the keys again.
    pub async fn reload_keys(&self) -> Result<Arc<KeyRing>, MaintenanceError> {
        let stored = self.parts.store.keys().await?;
        self.replace_keys(KeyRing::open(&self.parts.keys, &stored)?);
        Ok(self.keys())
    }

    /// Reads the keys again because a token names one that is not known, but not more often than
    /// once in a while: what names it may be anything.
    pub(super) async fn reload_keys_if_due(
        &self,
        keys: Arc<KeyRing>,
    ) -> Result<Arc<KeyRing>, MaintenanceError> {
        let monotonic = self.parts.clock.monotonic();
        {
            let mut last = self
                .feed
                .last_reload
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if last.is_some_and(|at| monotonic.saturating_sub(at) < RELOAD_COOL_DOWN) {
                return Ok(keys);
            }
            *last = Some(monotonic);
        }
        self.reload_keys().await
    }

    /// Deletes a slice of what no token can need any more, and says how many sessions went; to be
    /// called again at once while that is more than zero.
    pub async fn sweep(&self) -> Result<u64, StoreError> {
        let now = self.now();
        let needed = self.policy.revocation_retention();
        let before = SweepBefore {
            max_expires_at: now.minus(needed),
            ended_at: now.minus(needed.max(KEPT_FOR_PEOPLE)),
            reserved_until: now,
            limit: SWEEP_LIMIT,
        };
        self.parts.store.sweep(before).await
    }

    /// Whether this process can do its work: storage answers and the feed is fresh.
    pub async fn ready(&self) -> Result<bool, StoreError> {
        self.parts.store.ping().await?;
        Ok(self
            .parts
            .revocations
            .is_ready(self.parts.clock.monotonic()))
    }
}
