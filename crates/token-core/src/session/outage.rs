//! Outages: time in which honest clients could not refresh, and which is not held against them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::time::Timestamp;

/// An outage that ended recently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// The last moment at which storage is known to have worked.
    pub started_at: Timestamp,
    /// When refreshes worked again.
    pub ended_at: Timestamp,
}

impl Outage {
    /// Whether a refresh token that was replaced at `rotated_at` counts as presented inside the
    /// replay window at `now`: its answer may have been lost with the outage, and its owner could
    /// not ask again before the outage was over.
    pub fn excuses(&self, rotated_at: Timestamp, now: Timestamp, window: Duration) -> bool {
        now.distance(self.ended_at) <= window && rotated_at >= self.started_at.minus(window)
    }
}

/// Watches commits succeed and fail, and so knows the last outage of this node.
#[derive(Debug, Default)]
pub struct OutageTracker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last_worked: Option<Timestamp>,
    failing: Option<Failing>,
    last_outage: Option<Outage>,
}

/// What fails: an outage is over when that works again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failing {
    Reads,
    Writes,
}

impl OutageTracker {
    /// A tracker for a process that starts at `now`: whatever time has passed since the newest
    /// rotation in the database counts as an outage.
    pub fn at_start(newest_rotation: Option<Timestamp>, now: Timestamp) -> Self {
        let outage = newest_rotation.map(|started_at| Outage {
            started_at,
            ended_at: now,
        });
        Self(Mutex::new(State {
            last_worked: Some(now),
            failing: None,
            last_outage: outage,
        }))
    }

    /// Storage answered a read at `now`.
    pub fn read(&self, now: Timestamp) {
        let mut state = self.lock();
        if state.failing != Some(Failing::Writes) {
            state.works(now);
        }
    }

    /// A commit succeeded whose work had begun at `now`.
    pub fn committed(&self, now: Timestamp) {
        self.lock().works(now);
    }

    /// A read failed.
    pub fn read_failed(&self) {
        self.lock().failing.get_or_insert(Failing::Reads);
    }

    /// A commit failed, or may have.
    pub fn commit_failed(&self) {
        self.lock().failing = Some(Failing::Writes);
    }

    /// The outage that ended last, however long ago; while storage fails, the one that would end
    /// if a request that began at `now` succeeded.
    pub fn outage_at(&self, now: Timestamp) -> Option<Outage> {
        let state = self.lock();
        if state.failing.is_some() {
            Some(Outage {
                started_at: state.last_worked.unwrap_or(now),
                ended_at: now,
            })
        } else {
            state.last_outage
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn works(&mut self, now: Timestamp) {
        if self.failing.take().is_some() {
            let started_at = self.last_worked.unwrap_or(now);
            self.last_outage = Some(Outage {
                started_at,
                ended_at: now,
            });
        }
        self.last_worked = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(30);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn a_start_excuses_what_the_stop_may_have_cut_off() {
        let tracker = OutageTracker::at_start(Some(at(1_000)), at(5_000));
        let outage = tracker.outage_at(at(5_000)).unwrap();
        assert!(outage.excuses(at(1_000), at(5_010), WINDOW));
        assert!(outage.excuses(at(970), at(5_030), WINDOW));
        assert!(
            !outage.excuses(at(969), at(5_010), WINDOW),
            "replaced long before the outage"
        );
        assert!(
            !outage.excuses(at(1_000), at(5_031), WINDOW),
            "one window after it, no longer"
        );
        assert_eq!(OutageTracker::at_start(None, at(1)).outage_at(at(2)), None);
    }

    #[test]
    fn a_database_outage_lasts_from_the_last_commit_to_the_next() {
        let tracker = OutageTracker::at_start(None, at(0));
        tracker.committed(at(100));
        tracker.read(at(110));
        tracker.commit_failed();
        tracker.read(at(300));
        tracker.commit_failed();
        let outage = |seconds| {
            let (started_at, ended_at) = (at(110), at(seconds));
            Some(Outage {
                started_at,
                ended_at,
            })
        };
        assert_eq!(
            tracker.outage_at(at(350)),
            outage(350),
            "over, if this request succeeds"
        );
        tracker.committed(at(400));
        tracker.committed(at(401));
        assert_eq!(tracker.outage_at(at(402)), outage(400));
    }

    #[test]
    fn an_outage_of_reads_alone_is_over_with_the_next_read() {
        let tracker = OutageTracker::at_start(None, at(0));
        tracker.read(at(100));
        tracker.read_failed();
        tracker.read(at(103));
        tracker.read(at(5_000));
        let (started_at, ended_at) = (at(100), at(103));
        assert_eq!(
            tracker.outage_at(at(5_001)),
            Some(Outage {
                started_at,
                ended_at
            })
        );
    }
}
