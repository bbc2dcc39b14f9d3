//! What a storage did since it was opened, and how it stands: for those who watch it run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use token_core::session::EndReason;

use crate::storage::{CommitStats, Database, RotationStats, Storage};

/// What a storage did since it was opened, and how it stands. Costs a few loads.
#[derive(Debug, Clone)]
pub struct Stats {
    /// How well commits are shared.
    pub commits: CommitStats,
    /// How often work was done again, because what failed (a deadlock, a lost connection) may pass.
    pub retries: u64,
    /// How many sessions were ended here, by reason.
    pub ended: Vec<(EndReason, u64)>,
    /// How the connections stand.
    pub connections: ConnectionStats,
    /// How much work waits in which queue.
    pub waiting: [(&'static str, usize); 2],
    /// What only PostgreSQL has.
    pub postgres: Option<PostgresStats>,
}

/// How the connections to the database stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionStats {
    /// How many there should be.
    pub wanted: u64,
    /// How many there are, as far as their threads have noticed.
    pub open: u64,
    /// How many were opened again after they had been lost.
    pub reopened: u64,
    /// How many attempts to open one again failed.
    pub failed: u64,
}

/// What only PostgreSQL has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PostgresStats {
    /// How well rotations share transactions.
    pub rotations: RotationStats,
    /// How many sessions' rotations were done alone, because their batch could not be done.
    pub singles: u64,
    /// Whether the server can tell that sessions ended.
    pub listening: bool,
    /// How often it did.
    pub notifications: u64,
}

/// Where it is counted.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) retries: AtomicU64,
    pub(crate) singles: AtomicU64,
    pub(crate) connections: Arc<Connections>,
    pub(crate) listening: AtomicBool,
    pub(crate) notifications: AtomicU64,
    /// In the order of [`EndReason::ALL`].
    ended: [AtomicU64; EndReason::ALL.len()],
}

impl Tally {
    /// Counts a session that was ended here.
    pub(crate) fn ended(&self, reason: EndReason) {
        if let Some(count) = self.ended.get(reason as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Where the connections of a storage are counted.
#[derive(Default)]
pub(crate) struct Connections {
    wanted: AtomicU64,
    open: AtomicU64,
    reopened: AtomicU64,
    failed: AtomicU64,
}

impl Connections {
    /// A thread began with an open connection.
    pub(crate) fn started(&self) {
        self.wanted.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    /// An open connection was given up.
    pub(crate) fn lost(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// One was opened in its place.
    pub(crate) fn reopened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.reopened.fetch_add(1, Ordering::Relaxed);
    }

    /// None could be opened in its place.
    pub(crate) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// The thread wants none any more.
    pub(crate) fn ended(&self) {
        self.wanted.fetch_sub(1, Ordering::Relaxed);
    }

    fn stats(&self) -> ConnectionStats {
        ConnectionStats {
            wanted: self.wanted.load(Ordering::Relaxed),
            open: self.open.load(Ordering::Relaxed),
            reopened: self.reopened.load(Ordering::Relaxed),
            failed: self.failed.load(Ordering::Relaxed),
        }
    }
}

impl Storage {
    /// Everything that is counted. Asks nothing of the database.
    pub fn stats(&self) -> Stats {
        let tally = &self.shared.tally;
        let ended = EndReason::ALL.iter().zip(&tally.ended);
        Stats {
            commits: self.commit_stats(),
            retries: tally.retries.load(Ordering::Relaxed),
            ended: ended
                .map(|(reason, count)| (*reason, count.load(Ordering::Relaxed)))
                .collect(),
            connections: tally.connections.stats(),
            waiting: match &self.database {
                Database::Sqlite(database) => database.waiting(),
                Database::Postgres(database) => database.waiting(),
            },
            postgres: match &self.database {
                Database::Sqlite(_) => None,
                Database::Postgres(_) => Some(PostgresStats {
                    rotations: self.rotation_stats(),
                    singles: tally.singles.load(Ordering::Relaxed),
                    listening: tally.listening.load(Ordering::Relaxed),
                    notifications: tally.notifications.load(Ordering::Relaxed),
                }),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reason is found again where it was counted.
    #[test]
    fn reasons_are_counted_apart() {
        let tally = Tally::default();
        for (times, reason) in EndReason::ALL.iter().enumerate() {
            (0..times).for_each(|_| tally.ended(*reason));
        }
        for (times, count) in tally.ended.iter().enumerate() {
            assert_eq!(count.load(Ordering::Relaxed), times as u64);
        }
    }
}
