//! The feed of ended sessions: how soon what others end is known here.

use std::time::Duration;

use metrics::{Counter, Histogram};
use token_core::service::Polled;
use token_core::store::StoreError;

use super::registry::{Metric, Registry};

const POLLS: Metric = Metric::new(
    "renewd_revocation_polls_total",
    "Polls of the sessions that other processes ended.",
);
const DURATION: Metric = Metric::new(
    "renewd_revocation_poll_duration_seconds",
    "Time that a poll took, failed ones included.",
);
const DELAY: Metric = Metric::new(
    "renewd_revocation_delay_seconds",
    "Time from the end of a session by another process, on the database's clock, until it was \
     refused here.",
);

/// What the polling job counts.
pub struct FeedMetrics {
    done: Counter,
    failed: Counter,
    duration: Histogram,
    delay: Histogram,
}

impl FeedMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        let polls = |outcome| registry.counter(POLLS, &[("outcome", outcome)]);
        Self {
            done: polls("done"),
            failed: polls("failed"),
            duration: registry.histogram(DURATION, &[]),
            delay: registry.histogram(DELAY, &[]),
        }
    }

    /// Counts a poll.
    pub fn polled(&self, outcome: &Result<Polled, StoreError>, took: Duration) {
        self.duration.record(took);
        match outcome {
            Ok(polled) => {
                self.done.increment(1);
                for delay in &polled.delays {
                    self.delay.record(*delay);
                }
            }
            Err(_) => self.failed.increment(1),
        }
    }
}
