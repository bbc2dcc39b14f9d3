//! The revocation set: sessions that ended so recently that an access token may outlive them.
//!
//! Consulted on every verification, in memory. Loads and polls merge into it, only expiry removes
//! from it, and it never evicts: over its cap it answers [`Verdict::Unknown`] for everything.

mod follower;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

pub use follower::{Follower, Overtaken};

use self::follower::Recent;
use crate::id::SessionId;
use crate::time::Timestamp;

/// How many ended sessions the set holds: at about 40 bytes each, 160 MB.
const CAP: usize = 4_000_000;
/// Readers of one shard do not wait for writers of another.
const SHARDS: usize = 16;

/// What the set says of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has not ended, as far as this process can know.
    NotEnded,
    /// It has ended.
    Ended,
    /// The set cannot tell: it is over its cap, or was last compared with storage too long ago.
    Unknown,
}

/// What to do when the set is older than the bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenStale {
    /// Answer [`Verdict::Unknown`].
    Closed,
    /// Go on with what is known.
    Open,
}

/// How fresh the set has to be.
#[derive(Debug, Clone, Copy)]
pub struct Freshness {
    /// The oldest completed poll that still counts.
    pub max_staleness: Duration,
    /// What happens beyond.
    pub when_stale: WhenStale,
}

/// The set. Times inside are of the process's monotonic clock, so that a clock that is set back
/// or forth neither forgets nor keeps sessions.
#[derive(Debug)]
pub struct RevocationSet {
    shards: [RwLock<HashMap<SessionId, Duration>>; SHARDS],
    len: AtomicUsize,
    cap: usize,
    overflowed: AtomicBool,
    retention: Duration,
    freshness: Freshness,
    /// Monotonic microseconds of the last completed poll, plus one; zero before the first.
    polled_at: AtomicU64,
    /// Monotonic seconds of the last look for what is too old.
    expired_at: AtomicU64,
    /// What went in last, for those who follow.
    recent: Recent,
}

impl RevocationSet {
    /// An empty set that keeps entries for `retention` and answers [`Verdict::Unknown`] until its
    /// first [`Self::completed_poll`].
    pub fn new(retention: Duration, freshness: Freshness) -> Self {
        Self::with_cap(retention, freshness, CAP)
    }

    fn with_cap(retention: Duration, freshness: Freshness, cap: usize) -> Self {
        Self {
            shards: std::array::from_fn(|_| RwLock::default()),
            len: AtomicUsize::new(0),
            cap,
            overflowed: AtomicBool::new(false),
            retention,
            freshness,
            polled_at: AtomicU64::new(0),
            expired_at: AtomicU64::new(0),
            recent: Recent::default(),
        }
    }

    /// How long entries are kept.
    pub const fn retention(&self) -> Duration {
        self.retention
    }

    /// Remembers that a session ended at `ended_at`, as the wall clock reads `now` and the
    /// monotonic clock `monotonic`. `true` if it was not remembered yet. An end in the future, from
    /// before the wall clock was set back, is remembered until that time has come and gone, since
    /// so are the tokens that it concerns.
    pub fn insert(
        &self,
        id: SessionId,
        ended_at: Timestamp,
        now: Timestamp,
        monotonic: Duration,
    ) -> bool {
        let kept = self.retention.saturating_add(ended_at.since(now));
        let left = kept.checked_sub(now.since(ended_at));
        let Some(left) = left.filter(|left| !left.is_zero()) else {
            return false;
        };
        let until = monotonic.saturating_add(left);
        let mut shard = self
            .shard(id)
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let is_new = match shard.entry(id) {
            Entry::Occupied(mut kept) => {
                let until = until.max(*kept.get());
                kept.insert(until);
                false
            }
            Entry::Vacant(place) => {
                if self.len.fetch_add(1, Ordering::Relaxed) >= self.cap {
                    self.overflowed.store(true, Ordering::Release);
                }
                place.insert(until);
                true
            }
        };
        drop(shard);
        if is_new {
            self.recent.push(id);
        }
        is_new
    }

    /// What is known of a session.
    pub fn verdict(&self, id: SessionId, monotonic: Duration) -> Verdict {
        if self.is_ended(id, monotonic) {
            return Verdict::Ended;
        }
        if self.is_ready(monotonic) {
            Verdict::NotEnded
        } else {
            Verdict::Unknown
        }
    }

    /// Whether a session is known to have ended, whatever else is not known.
    pub fn is_ended(&self, id: SessionId, monotonic: Duration) -> bool {
        let shard = self
            .shard(id)
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        shard.get(&id).is_some_and(|until| *until > monotonic)
    }

    /// Whether the set can vouch for sessions that are not in it.
    pub fn is_ready(&self, monotonic: Duration) -> bool {
        if self.overflowed.load(Ordering::Acquire) {
            return false;
        }
        match self.staleness(monotonic) {
            None => false,
            Some(age) => {
                age <= self.freshness.max_staleness || self.freshness.when_stale == WhenStale::Open
            }
        }
    }

    /// Whether the set knows everything that happened until a moment ago, whatever is done when it
    /// does not.
    pub fn is_fresh(&self, monotonic: Duration) -> bool {
        let age = self.staleness(monotonic);
        !self.overflowed.load(Ordering::Acquire)
            && age.is_some_and(|age| age <= self.freshness.max_staleness)
    }

    /// How long ago the last completed poll began; `None` before the first.
    pub fn staleness(&self, monotonic: Duration) -> Option<Duration> {
        let polled = self.polled_at.load(Ordering::Acquire).checked_sub(1)?;
        Some(monotonic.saturating_sub(Duration::from_micros(polled)))
    }

    /// A poll that began at `started` (monotonic) has been merged whole.
    pub fn completed_poll(&self, started: Duration) {
        let micros = u64::try_from(started.as_micros()).unwrap_or(u64::MAX);
        self.polled_at
            .fetch_max(micros.saturating_add(1), Ordering::AcqRel);
    }

    /// Forgets what no access token can outlive any more. Looks once a second, however often it is
    /// called, since it looks at everything.
    pub fn expire(&self, monotonic: Duration) {
        let second = monotonic.as_secs();
        if self.expired_at.swap(second, Ordering::Relaxed) == second {
            return;
        }
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            let before = shard.len();
            shard.retain(|_, until| *until > monotonic);
            self.len.fetch_sub(before - shard.len(), Ordering::Relaxed);
        }
        if self.len() < self.cap {
            self.overflowed.store(false, Ordering::Release);
        }
    }

    /// How many sessions it remembers.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether it remembers none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The sessions of one shard that are kept at least until then.
    fn kept_until(&self, shard: usize, until: Duration) -> Vec<SessionId> {
        let Some(shard) = self.shards.get(shard) else {
            return Vec::new();
        };
        let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
        let kept = shard.iter().filter(|(_, kept)| **kept >= until);
        kept.map(|(id, _)| *id).collect()
    }

    fn shard(&self, id: SessionId) -> &RwLock<HashMap<SessionId, Duration>> {
        // The last byte of a version 7 UUID is random.
        let [.., last] = *id.as_uuid().as_bytes();
        let [first, ..] = &self.shards;
        self.shards.get(usize::from(last) % SHARDS).unwrap_or(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::CountingEntropy;

    pub(super) const RETENTION: Duration = Duration::from_secs(100);
    pub(super) const CLOSED: Freshness = Freshness {
        max_staleness: Duration::from_secs(10),
        when_stale: WhenStale::Closed,
    };

    pub(super) fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    pub(super) fn at(n: i64) -> Timestamp {
        Timestamp::from_unix_seconds(n)
    }

    pub(super) fn ids(n: usize) -> Vec<SessionId> {
        let entropy = CountingEntropy::default();
        (0..n)
            .map(|_| SessionId::generate(at(1), &entropy))
            .collect()
    }

    #[test]
    fn nothing_is_vouched_for_before_the_first_poll_nor_long_after_the_last() {
        let set = RevocationSet::new(RETENTION, CLOSED);
        let [a, b] = ids(2)[..] else { unreachable!() };
        assert_eq!(set.verdict(a, secs(0)), Verdict::Unknown);
        set.insert(b, at(1_000), at(1_000), secs(0));
        assert_eq!(
            set.verdict(b, secs(0)),
            Verdict::Ended,
            "an end is certain however stale"
        );
        set.completed_poll(secs(0));
        assert_eq!(set.verdict(a, secs(10)), Verdict::NotEnded);
        assert_eq!(set.verdict(a, secs(11)), Verdict::Unknown);
        let open = Freshness {
            when_stale: WhenStale::Open,
            ..CLOSED
        };
        let set = RevocationSet::new(RETENTION, open);
        set.completed_poll(secs(0));
        assert_eq!(set.verdict(a, secs(1_000)), Verdict::NotEnded);
    }

    /// What a stream of ends may call fresh, whatever is done with requests meanwhile.
    #[test]
    fn it_is_fresh_for_as_long_as_the_last_poll_is_young() {
        let open = Freshness {
            when_stale: WhenStale::Open,
            ..CLOSED
        };
        let set = RevocationSet::with_cap(RETENTION, open, 1);
        assert!(!set.is_fresh(secs(0)), "before the first poll");
        set.completed_poll(Duration::from_millis(1_500));
        assert_eq!(set.staleness(secs(2)), Some(Duration::from_millis(500)));
        assert!(set.is_fresh(secs(11)));
        assert!(set.is_fresh(Duration::from_millis(11_500)));
        assert!(!set.is_fresh(Duration::from_millis(11_501)));
        for id in ids(2) {
            set.insert(id, at(1_000), at(1_000), secs(2));
        }
        assert!(!set.is_fresh(secs(2)), "what did not fit in is not known");
    }

    #[test]
    fn an_end_is_forgotten_at_its_very_retention() {
        let set = RevocationSet::new(RETENTION, CLOSED);
        let [a] = ids(1)[..] else { unreachable!() };
        set.insert(a, at(1_000), at(1_000), secs(0));
        assert!(set.is_ended(a, Duration::from_millis(99_999)));
        assert!(!set.is_ended(a, secs(100)));
    }

    #[test]
    fn entries_live_exactly_their_retention() {
        let set = RevocationSet::new(RETENTION, CLOSED);
        let [a, b] = ids(2)[..] else { unreachable!() };
        set.insert(a, at(1_000), at(1_030), secs(50));
        set.insert(b, at(1_000), at(1_100), secs(50));
        assert_eq!(set.len(), 1, "what ended a retention ago is not taken in");
        assert_eq!(set.verdict(a, secs(119)), Verdict::Ended);
        set.expire(secs(119));
        assert_eq!(set.len(), 1);
        assert!(!set.is_empty());
        set.expire(secs(120));
        assert!(set.is_empty());
    }

    #[test]
    fn merging_never_shortens() {
        let set = RevocationSet::new(RETENTION, CLOSED);
        let [a] = ids(1)[..] else { unreachable!() };
        assert!(set.insert(a, at(1_000), at(1_000), secs(0)));
        assert!(!set.insert(a, at(1_000), at(1_090), secs(0)));
        assert_eq!((set.verdict(a, secs(99)), set.len()), (Verdict::Ended, 1));
    }

    #[test]
    fn an_end_in_the_future_is_kept_until_it_has_come_and_gone() {
        let set = RevocationSet::new(RETENTION, CLOSED);
        let [a] = ids(1)[..] else { unreachable!() };
        set.insert(a, at(9_000), at(1_000), secs(0));
        set.expire(secs(8_099));
        assert_eq!(set.verdict(a, secs(8_099)), Verdict::Ended);
        set.expire(secs(8_100));
        assert!(set.is_empty());
    }

    #[test]
    fn over_the_cap_it_fails_closed_and_forgets_nothing() {
        let set = RevocationSet::with_cap(RETENTION, CLOSED, 3);
        set.completed_poll(secs(0));
        let ids = ids(5);
        for id in &ids[..4] {
            set.insert(*id, at(1_000), at(1_000), secs(0));
        }
        assert!(
            ids[..4]
                .iter()
                .all(|id| set.verdict(*id, secs(1)) == Verdict::Ended)
        );
        assert_eq!(set.verdict(ids[4], secs(1)), Verdict::Unknown);
        set.insert(ids[0], at(1_010), at(1_000), secs(0));
        set.insert(ids[1], at(1_010), at(1_000), secs(0));
        set.insert(ids[2], at(1_010), at(1_000), secs(0));
        set.expire(secs(100));
        set.completed_poll(secs(100));
        assert_eq!(set.len(), 3);
        assert_eq!(
            set.verdict(ids[4], secs(100)),
            Verdict::Unknown,
            "the next one would be too many again"
        );
        set.expire(secs(110));
        set.completed_poll(secs(110));
        assert_eq!(set.verdict(ids[4], secs(110)), Verdict::NotEnded);
    }
}
