//! How often what was told.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How often what was told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Refreshes that were answered with a new refresh token.
    pub rotations: usize,
    /// Refreshes that were answered with the same one again.
    pub repeats: usize,
    /// Logins.
    pub logins: usize,
    /// Logouts.
    pub logouts: usize,
    /// Password changes.
    pub changes: usize,
    /// Registrations.
    pub registrations: usize,
    /// Answers of 503.
    pub refusals: usize,
    /// Requests without a whole answer.
    pub silences: usize,
    /// When a request was last refused or left without an answer.
    pub failed_at: Option<Instant>,
    /// The slowest answer of 503.
    pub slowest_refusal: Duration,
    /// The slowest of all other answers.
    pub slowest: Duration,
}

impl Tally {
    /// How many requests were not done, or not known to be.
    pub fn failed(&self) -> usize {
        self.refusals + self.silences
    }
}

/// What was acknowledged, in words.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} rotations, {} repeats, {} logins, {} logouts, {} password changes, \
             {} registrations",
            self.rotations,
            self.repeats,
            self.logins,
            self.logouts,
            self.changes,
            self.registrations,
        )
    }
}

/// The tally that a crowd shares.
#[derive(Debug, Default)]
pub(super) struct Tallies(Mutex<Tally>);

impl Tallies {
    pub(super) fn now(&self) -> Tally {
        *self.0.lock().expect("tally")
    }

    pub(super) fn count(&self, count: impl FnOnce(&mut Tally)) {
        count(&mut self.0.lock().expect("tally"));
    }
}
