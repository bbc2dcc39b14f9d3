//! Following the set: first what is in it, then whatever goes into it, as it does.
//!
//! A follower holds a place in the order in which ids went into the set, never a copy of the set:
//! what is in it already is read one shard at a time, and of what goes into it the set itself keeps
//! the last few.

use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use super::{RevocationSet, SHARDS};
use crate::id::SessionId;

/// How many ids are kept for followers that have not read them yet: 1 MB.
const KEPT: usize = 65_536;

/// The ids that went into the set last, in order, and who waits for the next one.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// How many ids came before those that are kept.
    before: u64,
    ids: VecDeque<SessionId>,
    followers: u64,
    waiting: HashMap<u64, Waker>,
}

impl State {
    fn end(&self) -> u64 {
        self.before + self.ids.len() as u64
    }
}

impl Recent {
    /// Takes the next id, after it is in the set.
    pub(super) fn push(&self, id: SessionId) {
        let waiting = {
            let mut state = self.lock();
            if state.ids.len() >= KEPT {
                state.ids.pop_front();
                state.before += 1;
            }
            state.ids.push_back(id);
            std::mem::take(&mut state.waiting)
        };
        waiting.into_values().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a set's ids. See [`RevocationSet::follow`].
#[derive(Debug)]
pub struct Follower {
    set: Arc<RevocationSet>,
    name: u64,
    /// How far it has read of what goes into the set.
    at: u64,
    backlog: Backlog,
}

/// What was in the set when the follower came.
#[derive(Debug)]
struct Backlog {
    /// Only what is kept at least until then.
    until: Duration,
    next_shard: usize,
    ids: Vec<SessionId>,
}

/// So many ids went into the set since a follower last read that some of them are no longer kept
/// for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too slow: ended sessions were missed")]
pub struct Overtaken;

impl RevocationSet {
    /// Follows the set, as the monotonic clock reads `monotonic`: the sessions in it that ended
    /// within the last `age`, or all where that is `None`, then all that go into it from now on.
    pub fn follow(set: &Arc<Self>, age: Option<Duration>, monotonic: Duration) -> Follower {
        let until = age.map_or(Duration::ZERO, |age| {
            (monotonic + set.retention).saturating_sub(age)
        });
        let (name, at) = {
            let mut state = set.recent.lock();
            state.followers += 1;
            (state.followers, state.end())
        };
        Follower {
            set: Arc::clone(set),
            name,
            at,
            backlog: Backlog {
                until,
                next_shard: 0,
                ids: Vec::new(),
            },
        }
    }
}

impl Follower {
    /// The next ids, at most so many; none when all there are have been given. An id may come
    /// twice.
    pub fn next(&mut self, most: usize) -> Result<Vec<SessionId>, Overtaken> {
        while self.backlog.ids.is_empty() && self.backlog.next_shard < SHARDS {
            self.backlog.ids = self
                .set
                .kept_until(self.backlog.next_shard, self.backlog.until);
            self.backlog.next_shard += 1;
        }
        if !self.backlog.ids.is_empty() {
            let rest = self.backlog.ids.len().saturating_sub(most);
            return Ok(self.backlog.ids.split_off(rest));
        }
        let state = self.set.recent.lock();
        let read = self.at.checked_sub(state.before).ok_or(Overtaken)?;
        let read = usize::try_from(read).unwrap_or(usize::MAX);
        let ids: Vec<_> = state.ids.iter().skip(read).take(most).copied().collect();
        self.at += ids.len() as u64;
        Ok(ids)
    }

    /// Comes when there are ids to be read.
    pub async fn changed(&self) {
        poll_fn(|context| {
            let backlog = &self.backlog;
            let mut state = self.set.recent.lock();
            if self.at < state.end() || !backlog.ids.is_empty() || backlog.next_shard < SHARDS {
                return Poll::Ready(());
            }
            state.waiting.insert(self.name, context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.set.recent.lock().waiting.remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Wake};

    use super::super::tests::{CLOSED, RETENTION, at, ids, secs};
    use super::*;

    fn set_of(ids: &[SessionId]) -> Arc<RevocationSet> {
        let set = Arc::new(RevocationSet::new(RETENTION, CLOSED));
        put(&set, ids);
        set
    }

    fn put(set: &RevocationSet, ids: &[SessionId]) {
        for id in ids {
            set.insert(*id, at(1_000), at(1_000), secs(0));
        }
    }

    fn read(follower: &mut Follower) -> Vec<SessionId> {
        let mut all = Vec::new();
        loop {
            let next = follower.next(7).unwrap();
            assert!(next.len() <= 7);
            if next.is_empty() {
                return all;
            }
            all.extend(next);
        }
    }

    fn sorted(mut ids: Vec<SessionId>) -> Vec<SessionId> {
        ids.sort_unstable();
        ids
    }

    #[test]
    fn what_is_there_comes_first_and_then_what_comes() {
        let ids = ids(100);
        let set = set_of(&ids[..60]);
        let mut follower = RevocationSet::follow(&set, None, secs(0));
        let first = follower.next(7).unwrap();
        // Also what comes while the rest is still being read.
        put(&set, &ids[60..80]);
        let rest = read(&mut follower);
        assert!(!rest.is_empty());
        let mut all = sorted([first, rest].concat());
        all.dedup();
        assert_eq!(all, sorted(ids[..80].to_vec()));
        put(&set, &ids[80..]);
        assert_eq!(read(&mut follower), ids[80..], "in order, and once");
        put(&set, &ids);
        assert_eq!(read(&mut follower), [], "nothing new");
    }

    #[test]
    fn only_as_old_ones_as_asked_for() {
        let [old, young] = ids(2)[..] else {
            unreachable!()
        };
        let set = set_of(&[]);
        set.insert(old, at(1_000), at(1_050), secs(50));
        set.insert(young, at(1_040), at(1_050), secs(50));
        let followed = |age| read(&mut RevocationSet::follow(&set, age, secs(50)));
        assert_eq!(followed(Some(secs(10))), [young]);
        assert_eq!(followed(Some(secs(49))), [young]);
        assert_eq!(followed(Some(secs(50))).len(), 2);
        assert_eq!(followed(Some(secs(100_000))).len(), 2);
        assert_eq!(followed(None).len(), 2);
    }

    #[test]
    fn whoever_is_too_slow_is_told() {
        let ids = ids(KEPT + 2);
        let set = set_of(&[]);
        let mut follower = RevocationSet::follow(&set, None, secs(0));
        assert_eq!(read(&mut follower), []);
        put(&set, &ids[..KEPT]);
        assert_eq!(follower.next(1), Ok(vec![ids[0]]));
        put(&set, &ids[KEPT..=KEPT]);
        assert_eq!(follower.next(1), Ok(vec![ids[1]]));
        put(&set, &ids);
        let mut late = RevocationSet::follow(&set, None, secs(0));
        late.at = 0;
        late.backlog.next_shard = SHARDS;
        assert_eq!(late.next(1), Err(Overtaken));
        assert_eq!(read(&mut follower).len(), KEPT);
    }

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn whoever_has_not_read_yet_need_not_wait() {
        let set = set_of(&ids(1));
        let mut follower = RevocationSet::follow(&set, None, secs(0));
        let mut context = Context::from_waker(Waker::noop());
        assert!(pin!(follower.changed()).poll(&mut context).is_ready());
        read(&mut follower);
        assert!(pin!(follower.changed()).poll(&mut context).is_pending());
    }

    #[test]
    fn everybody_who_waits_is_woken() {
        let set = set_of(&[]);
        let woken = [0, 1].map(|_| Arc::new(Woken::default()));
        let mut followers = [0, 1].map(|_| RevocationSet::follow(&set, None, secs(0)));
        for (follower, woken) in followers.iter_mut().zip(&woken) {
            read(follower);
            let waker = Waker::from(Arc::clone(woken));
            let mut context = Context::from_waker(&waker);
            assert!(pin!(follower.changed()).poll(&mut context).is_pending());
        }
        put(&set, &ids(1));
        assert!(
            woken
                .iter()
                .all(|woken| woken.0.load(Ordering::SeqCst) == 1)
        );
    }

    #[test]
    fn whoever_waits_is_woken() {
        let ids = ids(3);
        let set = set_of(&[]);
        let mut follower = RevocationSet::follow(&set, None, secs(0));
        read(&mut follower);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        for _ in 0..2 {
            let waiting = pin!(follower.changed());
            assert!(waiting.poll(&mut context).is_pending());
        }
        put(&set, &ids[..1]);
        assert_eq!(woken.0.load(Ordering::SeqCst), 1, "once");
        assert!(pin!(follower.changed()).poll(&mut context).is_ready());
        assert_eq!(read(&mut follower), ids[..1]);
        assert!(pin!(follower.changed()).poll(&mut context).is_pending());
        drop(follower);
        assert!(
            set.recent.lock().waiting.is_empty(),
            "nobody waits any more"
        );
    }
}
