//! What runs beside the requests: the feed of ended sessions, sweeping, readiness.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Service;
use crate::policy::CLOCK_BOUND;
use crate::store::{FeedCursor, StoreError, SweepBefore};
use crate::time::Timestamp;

/// How long ended sessions are kept for people who ask what happened.
const KEPT_FOR_PEOPLE: Duration = Duration::from_hours(30 * 24);
/// How many sessions one sweep deletes, so that it never holds the writer for long.
const SWEEP_LIMIT: u32 = 500;

/// What a poll of the feed brought.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Polled {
    /// For every session that this process did not know to have ended: how long ago that was when
    /// it became known.
    pub delays: Vec<Duration>,
}

/// Where the feed was read to.
#[derive(Debug, Default)]
pub(super) struct Feed(Mutex<Reading>);

#[derive(Debug, Default, Clone, Copy)]
struct Reading {
    cursor: FeedCursor,
    /// How far the time of day was ahead of the monotonic clock, at the most, since the whole
    /// retention was read; microseconds.
    furthest: Option<i64>,
}

impl Reading {
    /// What to go on from. Where the time of day was set back, ends count that were too old before,
    /// and the tokens that they concern may be accepted again: everything is read again.
    fn resumed(self, now: Timestamp, monotonic: Duration) -> Self {
        let uptime = i64::try_from(monotonic.as_micros()).unwrap_or(i64::MAX);
        let ahead = now.as_micros().saturating_sub(uptime);
        let bound = i64::try_from(CLOCK_BOUND.as_micros()).unwrap_or(i64::MAX);
        match self.furthest {
            Some(furthest) if ahead >= furthest.saturating_sub(bound) => Self {
                furthest: Some(furthest.max(ahead)),
                ..self
            },
            Some(_) | None => Self {
                cursor: FeedCursor::START,
                furthest: Some(ahead),
            },
        }
    }
}

impl Service {
    /// Merges what other processes ended into the revocation set, and forgets what is too old.
    /// To be called again and again by one caller; the first time reads the whole retention, and so
    /// does the first time after the time of day was set back.
    pub async fn poll_ended_sessions(&self) -> Result<Polled, StoreError> {
        let started = self.parts.clock.monotonic();
        let now = self.now();
        let last = *self.feed.0.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = last.resumed(now, started);
        let revocations = &self.parts.revocations;
        let since = now.minus(revocations.retention());
        let page = match self.parts.store.ended_sessions(reading.cursor, since).await {
            Ok(page) => page,
            Err(error) => {
                self.outages.read_failed();
                return Err(error);
            }
        };
        let mut news = page.ended;
        news.retain(|(id, ended_at)| revocations.insert(*id, *ended_at, now, started));
        let known_at = self.now();
        let delays = news.iter().map(|(_, ended_at)| known_at.since(*ended_at));
        let delays = delays.collect();
        *self.feed.0.lock().unwrap_or_else(PoisonError::into_inner) = Reading {
            cursor: page.cursor,
            ..reading
        };
        revocations.completed_poll(started);
        revocations.expire(started);
        self.outages.read(now);
        Ok(Polled { delays })
    }

    /// Comes when [`Self::poll_ended_sessions`] may find something new, where storage is told so;
    /// elsewhere never.
    pub async fn sessions_may_have_ended(&self) {
        self.parts.store.changed().await;
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

    /// Whether this process can do its work: storage answers, the feed is fresh, and its key signs
    /// tokens that are accepted.
    pub async fn ready(&self) -> Result<bool, StoreError> {
        self.parts.store.ping().await?;
        let monotonic = self.parts.clock.monotonic();
        Ok(self.parts.revocations.is_ready(monotonic) && self.keys().can_sign())
    }
}
