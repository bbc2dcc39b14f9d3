//! A clock that follows another one.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::{Clock, Timestamp};

/// How far a clock elsewhere is ahead of this machine's. Clones share one value: whoever measures
/// it sets it, and every [`OffsetClock`] made with it follows.
#[derive(Debug, Clone, Default)]
pub struct ClockOffset(Arc<AtomicI64>);

impl ClockOffset {
    /// Microseconds; negative if the other clock is behind.
    pub fn as_micros(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    /// How far apart the clocks are, whichever is ahead.
    pub fn distance(&self) -> Duration {
        Duration::from_micros(self.as_micros().unsigned_abs())
    }

    /// Sets what was measured, in microseconds.
    pub fn set_micros(&self, micros: i64) {
        self.0.store(micros, Ordering::Relaxed);
    }
}

/// The time of day of a clock elsewhere, as of a database that several machines share, by this
/// machine's clock and a measured offset. Spans are this machine's own.
pub struct OffsetClock {
    here: Arc<dyn Clock>,
    offset: ClockOffset,
}

impl OffsetClock {
    /// A clock that is `offset` ahead of `here`.
    pub const fn new(here: Arc<dyn Clock>, offset: ClockOffset) -> Self {
        Self { here, offset }
    }
}

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        let micros = self.here.now().as_micros();
        Timestamp::from_micros(micros.saturating_add(self.offset.as_micros()))
    }

    fn monotonic(&self) -> Duration {
        self.here.monotonic()
    }
}

impl fmt::Debug for OffsetClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OffsetClock")
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::testing::ManualClock;

    #[test]
    fn the_time_of_day_follows_and_spans_do_not() {
        let here = Arc::new(ManualClock::default());
        let offset = ClockOffset::default();
        let clock = OffsetClock::new(here.clone(), offset.clone());
        assert_eq!(clock.now(), here.now());
        offset.set_micros(-1_500_000);
        assert_eq!(clock.now(), here.now().minus(offset.distance()));
        assert_eq!(offset.distance(), Duration::from_millis(1_500));
        here.advance(Duration::from_secs(7));
        assert_eq!(clock.now(), here.now().minus(offset.distance()));
        assert_eq!(clock.monotonic(), Duration::from_secs(7));
    }
}
