//! Password hashing: how much waits, how long it takes, what is refused.

use std::time::Duration;

use metrics::{Counter, Gauge, Histogram};

use super::registry::{Metric, Registry, length};

const WAITING: Metric = Metric::new(
    "renewd_hash_queue_waiting",
    "Passwords that wait to be hashed.",
);
const LIMIT: Metric = Metric::new(
    "renewd_hash_queue_limit",
    "How many passwords may wait; more are refused.",
);
const REFUSED: Metric = Metric::new(
    "renewd_hash_refused_total",
    "Passwords that were refused because too many waited.",
);
const DURATION: Metric = Metric::new(
    "renewd_hash_duration_seconds",
    "Time to hash or compare a password, without waiting.",
);

/// What a pool of hashing threads counts.
#[derive(Debug, Clone)]
pub struct HashingMetrics {
    waiting: Gauge,
    limit: Gauge,
    refused: Counter,
    duration: Histogram,
}

impl HashingMetrics {
    /// For a pool that has done nothing yet.
    pub fn new(registry: &Registry) -> Self {
        Self {
            waiting: registry.gauge(WAITING, &[]),
            limit: registry.gauge(LIMIT, &[]),
            refused: registry.counter(REFUSED, &[]),
            duration: registry.histogram(DURATION, &[]),
        }
    }

    /// So many may wait.
    pub fn limited_to(&self, waiting: usize) {
        self.limit.set(length(waiting));
    }

    /// Work is about to be queued.
    pub fn queued(&self) {
        self.waiting.increment(1.0);
    }

    /// It was not, since the queue is full.
    pub fn refused(&self) {
        self.waiting.decrement(1.0);
        self.refused.increment(1);
    }

    /// It was taken from the queue.
    pub fn taken(&self) {
        self.waiting.decrement(1.0);
    }

    /// It took so long.
    pub fn done(&self, took: Duration) {
        self.duration.record(took);
    }
}
