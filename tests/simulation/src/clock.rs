//! The clock port: time passes, and the time of day steps, when the seed says so and never else.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use token_core::time::{Clock, Timestamp};

/// Where every simulation begins.
pub const START: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

/// One clock for all nodes: they share a file, and so a machine.
pub struct SimClock(Mutex<(Timestamp, Duration)>);

impl SimClock {
    pub fn new() -> Self {
        // Not zero: a process is never started at the beginning of the monotonic clock.
        Self(Mutex::new((START, Duration::from_secs(1_000))))
    }

    /// Lets time pass.
    pub fn advance(&self, span: Duration) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.0 = times.0.plus(span);
        times.1 += span;
    }

    /// Sets the time of day back or forth.
    pub fn step(&self, seconds: i64) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.0 = Timestamp::from_micros(times.0.as_micros() + seconds * 1_000_000);
    }

    /// The time of day as a trace shows it: seconds since the beginning.
    pub fn shown(&self) -> String {
        let micros = self.now().as_micros() - START.as_micros();
        let sign = if micros < 0 { '-' } else { '+' };
        let micros = micros.abs();
        format!("{sign}{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn monotonic(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}
