//! Answers that do not end by themselves: how many there are, and their common end.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::{AbortHandle, AbortRegistration};
use token_core::id::SessionId;

/// How many streams there may be.
const MOST: usize = 256;
/// How many one follower may have: enough for each process of a large service, and not all.
const MOST_OF_ONE: usize = 128;
/// A stream that was not asked for more for this long has no reader: each says something every
/// second.
const STALLED: Duration = Duration::from_secs(10);

/// All streams.
#[derive(Debug)]
pub struct Streams {
    start: Instant,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    closed: bool,
    made: u64,
    streams: HashMap<u64, Stream>,
}

#[derive(Debug)]
struct Stream {
    follower: SessionId,
    end: AbortHandle,
    /// Milliseconds from the start until it was last asked for more.
    asked: Arc<AtomicU64>,
}

/// A stream's place among the others; dropped, it makes room.
#[derive(Debug)]
pub struct Place {
    streams: Arc<Streams>,
    name: u64,
    asked: Arc<AtomicU64>,
}

/// There are too many, or too many of one follower, or the server stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRoom;

impl Default for Streams {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            open: Mutex::default(),
        }
    }
}

impl Streams {
    /// A place for one more stream of a follower, and what ends it from outside. A stream without a
    /// reader makes room for it.
    pub fn open(
        self: &Arc<Self>,
        follower: SessionId,
    ) -> Result<(Place, AbortRegistration), NoRoom> {
        self.open_with(follower, (MOST, MOST_OF_ONE), STALLED)
    }

    fn open_with(
        self: &Arc<Self>,
        follower: SessionId,
        (most, most_of_one): (usize, usize),
        stalled: Duration,
    ) -> Result<(Place, AbortRegistration), NoRoom> {
        let mut open = self.lock();
        if open.closed {
            return Err(NoRoom);
        }
        let now = self.millis();
        let stalled = u64::try_from(stalled.as_millis()).unwrap_or(u64::MAX);
        let is_full = |open: &Open| {
            let own = open.streams.values().filter(|s| s.follower == follower);
            open.streams.len() >= most || own.count() >= most_of_one
        };
        if is_full(&open) {
            open.streams.retain(|_, stream| {
                let has_reader = now.saturating_sub(stream.asked.load(Ordering::Relaxed)) < stalled;
                if !has_reader {
                    stream.end.abort();
                }
                has_reader
            });
        }
        if is_full(&open) {
            return Err(NoRoom);
        }
        let (end, ended) = AbortHandle::new_pair();
        let asked = Arc::new(AtomicU64::new(now));
        open.made += 1;
        let name = open.made;
        let stream = Stream {
            follower,
            end,
            asked: Arc::clone(&asked),
        };
        open.streams.insert(name, stream);
        drop(open);
        let place = Place {
            streams: Arc::clone(self),
            name,
            asked,
        };
        Ok((place, ended))
    }

    /// Ends all of them, for good.
    pub fn close(&self) {
        let mut open = self.lock();
        open.closed = true;
        for (_, stream) in open.streams.drain() {
            stream.end.abort();
        }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Its reader takes more.
    pub fn asked(&self) {
        self.asked.store(self.streams.millis(), Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.streams.lock().streams.remove(&self.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(1_000);

    fn follower(n: u8) -> SessionId {
        SessionId::from_uuid(uuid::Uuid::from_bytes([n; 16]))
    }

    #[test]
    fn there_are_only_so_many() {
        let streams = Arc::new(Streams::default());
        let open = |n| streams.open_with(follower(n), (2, 2), LONG);
        let first = open(1).unwrap();
        let _second = open(2).unwrap();
        assert_eq!(open(3).err(), Some(NoRoom));
        drop(first);
        assert!(open(3).is_ok());
    }

    #[test]
    fn nobody_has_all_of_them() {
        let streams = Arc::new(Streams::default());
        let open = |n| streams.open_with(follower(n), (3, 2), LONG);
        let first = open(1).unwrap();
        let _second = open(1).unwrap();
        assert_eq!(open(1).err(), Some(NoRoom));
        let _others = open(2).unwrap();
        drop(first);
        assert!(open(1).is_ok());
    }

    #[test]
    fn one_without_a_reader_makes_room() {
        let streams = Arc::new(Streams::default());
        let open = |stalled| streams.open_with(follower(1), (1, 1), stalled).unwrap();
        let (place, ended) = open(LONG);
        let (_other, _) = open(Duration::ZERO);
        assert!(ended.handle().is_aborted());
        drop(place);
        assert_eq!(streams.lock().streams.len(), 1, "the other one stays");
    }

    #[test]
    fn all_end_together_and_no_more_begin() {
        let streams = Arc::new(Streams::default());
        let (_place, ended) = streams.open(follower(1)).unwrap();
        assert!(!ended.handle().is_aborted());
        streams.close();
        assert!(ended.handle().is_aborted());
        assert_eq!(streams.open(follower(1)).err(), Some(NoRoom));
    }
}
