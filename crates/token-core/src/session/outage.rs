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
    /// Since when a refresh token must have been replaced to count as presented inside the replay
    /// window at `now`: its answer may have been lost with an outage, and its owner could not ask
    /// again before that was over. What was excused when another outage began is excused after
    /// that one too, for its owner had no whole window to ask in. The outages come the oldest
    /// first; `None` if none is over since less than a window.
    pub fn excused_since(outages: &[Self], now: Timestamp, window: Duration) -> Option<Timestamp> {
        let mut least: Option<Timestamp> = None;
        let mut before: Option<(Timestamp, Timestamp)> = None;
        for outage in outages {
            let mut since = outage.started_at.minus(window);
            if let Some((earlier, over)) = before
                && outage.started_at.distance(over) <= window
            {
                since = since.min(earlier);
            }
            if now.distance(outage.ended_at) <= window {
                least = Some(least.map_or(since, |least| least.min(since)));
            }
            before = Some((since, outage.ended_at));
        }
        least
    }
}

/// How long before another outage one is remembered: the longest replay window there can be.
const REMEMBERED: Duration = Duration::from_mins(5);
/// How many outages are remembered; more of them so close together are one.
const MOST: usize = 64;

/// Watches commits succeed and fail, and so knows the recent outages of this node.
#[derive(Debug)]
pub struct OutageTracker(Mutex<State>);

#[derive(Debug)]
struct State {
    last_worked: Timestamp,
    failing: Option<Failing>,
    /// Over, the oldest first. A later one does not take the place of an earlier, which may have
    /// been the longer and is excused for its own window.
    outages: Vec<Outage>,
}

/// What fails: an outage is over when that works again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failing {
    Reads,
    Writes,
}

impl OutageTracker {
    /// A tracker for a process that starts at `now`: whatever time has passed since the last sign of
    /// life in the database counts as an outage.
    pub fn at_start(heartbeat: Option<Timestamp>, now: Timestamp) -> Self {
        let outage = heartbeat.map(|started_at| Outage {
            started_at,
            ended_at: now,
        });
        Self(Mutex::new(State {
            last_worked: now,
            failing: None,
            outages: outage.into_iter().collect(),
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

    /// The recent outages; while storage fails, also the one that would end if a request that
    /// began at `now` succeeded.
    pub fn outages_at(&self, now: Timestamp) -> Vec<Outage> {
        let state = self.lock();
        let current = state.failing.map(|_| state.outage_until(now));
        state.outages.iter().copied().chain(current).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn works(&mut self, now: Timestamp) {
        if self.failing.take().is_some() {
            let over = self.outage_until(now);
            self.forget_before(over.started_at);
            let full = self.outages.len() >= MOST;
            match self.outages.last_mut().filter(|_| full) {
                Some(last) => last.ended_at = now,
                None => self.outages.push(over),
            }
        }
        self.last_worked = now;
    }

    /// Forgets what cannot excuse anything any more: outages that had been over for long when the
    /// next one began, and all before those.
    fn forget_before(&mut self, mut next: Timestamp) {
        let near = self.outages.iter().rev().take_while(|outage| {
            let is_near = next.distance(outage.ended_at) <= REMEMBERED;
            next = outage.started_at;
            is_near
        });
        let far = self.outages.len() - near.count();
        self.outages.drain(..far);
    }

    const fn outage_until(&self, now: Timestamp) -> Outage {
        Outage {
            started_at: self.last_worked,
            ended_at: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(30);

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn is_excused(outages: &[Outage], rotated: i64, now: i64) -> bool {
        Outage::excused_since(outages, at(now), WINDOW).is_some_and(|since| at(rotated) >= since)
    }

    #[test]
    fn a_start_excuses_what_the_stop_may_have_cut_off() {
        let tracker = OutageTracker::at_start(Some(at(1_000)), at(5_000));
        let [outage] = tracker.outages_at(at(5_000))[..] else {
            panic!("one outage")
        };
        let excused = |rotated, now| is_excused(&[outage], rotated, now);
        assert!(excused(1_000, 5_010));
        assert!(excused(970, 5_030));
        assert!(!excused(969, 5_010), "replaced long before the outage");
        assert!(!excused(1_000, 5_031), "one window after it, no longer");
        assert_eq!(OutageTracker::at_start(None, at(1)).outages_at(at(2)), []);
    }

    #[test]
    fn a_database_outage_lasts_from_the_last_commit_to_the_next() {
        let tracker = OutageTracker::at_start(None, at(0));
        tracker.committed(at(100));
        tracker.read(at(110));
        tracker.commit_failed();
        tracker.read(at(300));
        tracker.commit_failed();
        let outage = |seconds| Outage {
            started_at: at(110),
            ended_at: at(seconds),
        };
        assert_eq!(
            tracker.outages_at(at(350)),
            [outage(350)],
            "over, if this request succeeds"
        );
        tracker.committed(at(400));
        tracker.committed(at(401));
        assert_eq!(tracker.outages_at(at(402)), [outage(400)]);
    }

    /// I2: a short outage after a long one takes nothing from those whom the long one cut off.
    #[test]
    fn a_later_outage_does_not_hide_an_earlier() {
        let tracker = OutageTracker::at_start(Some(at(1_000)), at(5_000));
        tracker.read_failed();
        tracker.read(at(5_001));
        let excused = |rotated, now| {
            let outages = tracker.outages_at(at(now));
            is_excused(&outages, rotated, now)
        };
        assert!(excused(1_000, 5_010), "cut off by the stop");
        assert!(
            !excused(1_000, 5_032),
            "and excused no longer than both allow"
        );
        assert!(excused(4_990, 5_031));
    }

    /// I2: a database that comes and goes leaves nobody a whole window to ask in.
    #[test]
    fn outages_in_a_row_excuse_together() {
        let outage = |start, end| Outage {
            started_at: at(start),
            ended_at: at(end),
        };
        let flapping = [outage(100, 140), outage(145, 185), outage(190, 230)];
        assert!(is_excused(&flapping, 99, 240), "cut off by the first");
        assert!(is_excused(&flapping, 70, 260));
        assert!(!is_excused(&flapping, 69, 240), "late before any of them");
        assert!(!is_excused(&flapping, 99, 261), "one window after the last");
        let apart = [outage(100, 140), outage(171, 185)];
        assert!(
            !is_excused(&apart, 99, 186),
            "a whole window lay between them to ask in"
        );
        assert!(is_excused(&apart, 99, 170) && is_excused(&apart, 141, 186));
    }

    /// I2: however long the second outage takes.
    #[test]
    fn an_outage_is_remembered_through_the_next() {
        let tracker = OutageTracker::at_start(Some(at(1_000)), at(5_000));
        tracker.read(at(5_020));
        tracker.read_failed();
        tracker.read(at(9_000));
        let outages = tracker.outages_at(at(9_010));
        assert!(is_excused(&outages, 990, 9_010));
    }

    #[test]
    fn outages_without_end_are_one_at_last() {
        let tracker = OutageTracker::at_start(None, at(0));
        for n in 0..200 {
            tracker.read_failed();
            tracker.read(at(n));
        }
        let outages = tracker.outages_at(at(200));
        assert_eq!(outages.len(), MOST);
        assert_eq!(outages.last().map(|o| o.ended_at), Some(at(199)));
        tracker.read_failed();
        tracker.read(at(1_000));
        assert_eq!(
            tracker.outages_at(at(1_000)).len(),
            MOST,
            "however long the last one took"
        );
        tracker.read(at(1_301));
        tracker.read_failed();
        tracker.read(at(1_302));
        assert_eq!(
            tracker.outages_at(at(1_302)).len(),
            1,
            "the old ones are forgotten"
        );
    }

    #[test]
    fn an_outage_of_reads_alone_is_over_with_the_next_read() {
        let tracker = OutageTracker::at_start(None, at(0));
        tracker.read(at(100));
        tracker.read_failed();
        tracker.read(at(103));
        tracker.read(at(5_000));
        let outage = Outage {
            started_at: at(100),
            ended_at: at(103),
        };
        assert_eq!(tracker.outages_at(at(5_001)), [outage]);
    }
}
