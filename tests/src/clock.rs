//! Waiting: up to a known instant, or until something is so; never for a guess.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long anything that should happen soon may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Seconds since 1970 by the wall clock, as in a token's `iat` and `exp`.
pub fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is past 1970")
        .as_secs_f64()
}

/// Sleeps until the wall clock has passed `instant` (seconds since 1970).
pub fn wait_past(instant: f64) {
    loop {
        let left = instant - now();
        if left < 0.0 {
            return;
        }
        thread::sleep(Duration::from_secs_f64(left + 0.01));
    }
}

/// A flag for threads that go on until something is over; raised also where the
/// test fails half-way, so that nobody waits for them for ever.
#[derive(Debug, Default)]
pub struct Over(AtomicBool);

impl Over {
    /// Whether it is over.
    pub fn is_over(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Raises the flag when the answer is dropped.
    #[must_use]
    pub fn at_end(&self) -> impl Drop + '_ {
        Raiser(self)
    }
}

struct Raiser<'a>(&'a Over);

impl Drop for Raiser<'_> {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::SeqCst);
    }
}

/// Polls `probe` until it answers something, up to [`PATIENCE`].
///
/// # Panics
/// When the time is up; `what` says what was waited for.
pub fn eventually<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, probe)
}

/// Polls `probe` until it answers something, up to `limit`.
///
/// # Panics
/// When the time is up; `what` says what was waited for.
pub fn within<T>(limit: Duration, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        thread::sleep(Duration::from_millis(15));
    }
}
