//! What storage counts itself, read when somebody asks.

use std::sync::Arc;

use metrics::{Counter, Gauge, Histogram};
use storage_diesel::{OnCommit, PostgresStats, Stats};

use super::registry::{Metric, Registry, length, number};

const COMMITS: Metric = Metric::new(
    "renewd_storage_commits_total",
    "Transactions that were committed.",
);
const UNITS: Metric = Metric::new(
    "renewd_storage_units_total",
    "Units of work in the committed transactions.",
);
const COMMIT_DURATION: Metric = Metric::new(
    "renewd_storage_commit_duration_seconds",
    "Time that a COMMIT took, until it was durable.",
);
const RETRIES: Metric = Metric::new(
    "renewd_storage_retries_total",
    "Times that work was done again after a deadlock, a conflict or a lost connection.",
);
const WAITING: Metric = Metric::new(
    "renewd_storage_queue_waiting",
    "Units of work that wait for a connection.",
);
const WANTED: Metric = Metric::new(
    "renewd_storage_connections_wanted",
    "Connections that there should be.",
);
const OPEN: Metric = Metric::new(
    "renewd_storage_connections_open",
    "Connections that are open, as far as is known.",
);
const REOPENED: Metric = Metric::new(
    "renewd_storage_reconnects_total",
    "Attempts to replace a lost connection.",
);
const ENDED: Metric = Metric::new(
    "renewd_sessions_ended_total",
    "Sessions that this process ended.",
);
const ROTATIONS: Metric = Metric::new(
    "renewd_rotations_total",
    "Refreshes that PostgreSQL answered, whatever the answer.",
);
const STATEMENTS: Metric = Metric::new(
    "renewd_rotation_statements_total",
    "Statements sent for refreshes, BEGIN and COMMIT included.",
);
const BATCHES: Metric = Metric::new(
    "renewd_rotation_batches_total",
    "Transactions committed for refreshes.",
);
const SINGLES: Metric = Metric::new(
    "renewd_rotation_singles_total",
    "Sessions whose refreshes were done alone, because their batch could not be done.",
);
const LISTENING: Metric = Metric::new(
    "renewd_revocation_listening",
    "Whether PostgreSQL can tell that sessions ended (LISTEN): 1 or 0.",
);
const NOTIFICATIONS: Metric = Metric::new(
    "renewd_revocation_notifications_total",
    "Times that PostgreSQL told that sessions ended.",
);

/// The handles of what [`Stats`] has.
pub(super) struct StorageMetrics {
    commits: Counter,
    units: Counter,
    retries: Counter,
    wanted: Gauge,
    open: Gauge,
    reopened: Counter,
    failed: Counter,
    waiting: Vec<Gauge>,
    ended: Vec<Counter>,
    postgres: Option<PostgresMetrics>,
}

struct PostgresMetrics {
    rotations: Counter,
    statements: Counter,
    batches: Counter,
    singles: Counter,
    listening: Gauge,
    notifications: Counter,
}

/// What storage tells of each commit.
pub fn on_commit(registry: &Registry) -> OnCommit {
    let duration: Histogram = registry.histogram(COMMIT_DURATION, &[]);
    Arc::new(move |took| duration.record(took))
}

impl StorageMetrics {
    /// For a storage with such stats.
    pub(super) fn new(registry: &Registry, stats: &Stats) -> Self {
        let reconnects = |outcome| registry.counter(REOPENED, &[("outcome", outcome)]);
        let waiting = stats.waiting.iter();
        let ended = stats.ended.iter();
        Self {
            commits: registry.counter(COMMITS, &[]),
            units: registry.counter(UNITS, &[]),
            retries: registry.counter(RETRIES, &[]),
            wanted: registry.gauge(WANTED, &[]),
            open: registry.gauge(OPEN, &[]),
            reopened: reconnects("done"),
            failed: reconnects("failed"),
            waiting: waiting
                .map(|(queue, _)| registry.gauge(WAITING, &[("queue", queue)]))
                .collect(),
            ended: ended
                .map(|(reason, _)| registry.counter(ENDED, &[("reason", reason.as_str())]))
                .collect(),
            postgres: stats
                .postgres
                .is_some()
                .then(|| PostgresMetrics::new(registry)),
        }
    }

    /// Takes the present ones over.
    pub(super) fn read(&self, stats: &Stats) {
        self.commits.absolute(stats.commits.commits);
        self.units.absolute(stats.commits.units);
        self.retries.absolute(stats.retries);
        let connections = &stats.connections;
        self.wanted.set(number(connections.wanted));
        self.open.set(number(connections.open));
        self.reopened.absolute(connections.reopened);
        self.failed.absolute(connections.failed);
        for (gauge, (_, waiting)) in self.waiting.iter().zip(&stats.waiting) {
            gauge.set(length(*waiting));
        }
        for (counter, (_, ended)) in self.ended.iter().zip(&stats.ended) {
            counter.absolute(*ended);
        }
        if let (Some(metrics), Some(stats)) = (&self.postgres, &stats.postgres) {
            metrics.read(stats);
        }
    }
}

impl PostgresMetrics {
    fn new(registry: &Registry) -> Self {
        Self {
            rotations: registry.counter(ROTATIONS, &[]),
            statements: registry.counter(STATEMENTS, &[]),
            batches: registry.counter(BATCHES, &[]),
            singles: registry.counter(SINGLES, &[]),
            listening: registry.gauge(LISTENING, &[]),
            notifications: registry.counter(NOTIFICATIONS, &[]),
        }
    }

    fn read(&self, stats: &PostgresStats) {
        self.rotations.absolute(stats.rotations.rotations);
        self.statements.absolute(stats.rotations.statements);
        self.batches.absolute(stats.rotations.transactions);
        self.singles.absolute(stats.singles);
        self.listening.set(f64::from(u8::from(stats.listening)));
        self.notifications.absolute(stats.notifications);
    }
}
