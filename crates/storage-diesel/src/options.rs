//! How a storage is run.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use token_core::revocation::RevocationSet;
use token_core::time::Clock;

/// Told how long a commit took to be durable, on the thread that committed.
pub type OnCommit = Arc<dyn Fn(Duration) + Send + Sync>;

/// How a storage is run. [`Options::new`] has what suits almost everybody.
#[derive(Clone)]
pub struct Options {
    /// Whether pending migrations are run; otherwise an older schema is an error.
    pub migrate: bool,
    /// Whether a copy of another installation's database is opened too, as for reading it. Otherwise
    /// it is an error, see [`crate::InstallationState`].
    pub accept_copy: bool,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The process's set of ended sessions, which learns of every end before its caller does.
    pub revocations: Arc<RevocationSet>,
    /// Told of every commit.
    pub on_commit: OnCommit,
    /// For SQLite.
    pub sqlite: SqliteOptions,
    /// For PostgreSQL.
    pub postgres: PostgresOptions,
}

/// How a SQLite file is used.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// How many threads read.
    pub readers: usize,
    /// How long to wait for a lock that another process holds.
    pub busy_timeout: Duration,
    /// The file grows to at most this many pages of 4 KiB; what does not fit fails as on a full
    /// disk. `None`: as large as the disk allows.
    pub max_pages: Option<u32>,
}

/// How a PostgreSQL server is used.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// How many connections there are for everything but rotations, each with its thread.
    pub connections: usize,
    /// How many connections rotate refresh tokens, in batches, each with its thread.
    pub rotation_connections: usize,
    /// How long to wait for a connection, unless the URL says otherwise.
    pub connect_timeout: Duration,
    /// How long a statement waits for a lock.
    pub lock_timeout: Duration,
    /// How long a batch of rotations waits for a row that is locked elsewhere, before its rotations
    /// are done one by one.
    pub rotation_lock_timeout: Duration,
    /// How long a statement may take.
    pub statement_timeout: Duration,
}

impl Options {
    /// The defaults: migrations are run.
    pub fn new(clock: Arc<dyn Clock>, revocations: Arc<RevocationSet>) -> Self {
        Self {
            migrate: true,
            accept_copy: false,
            clock,
            revocations,
            on_commit: Arc::new(|_| ()),
            sqlite: SqliteOptions::default(),
            postgres: PostgresOptions::default(),
        }
    }
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            readers: 3,
            busy_timeout: Duration::from_secs(5),
            max_pages: None,
        }
    }
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            connections: 10,
            rotation_connections: 2,
            connect_timeout: Duration::from_secs(5),
            lock_timeout: Duration::from_secs(5),
            rotation_lock_timeout: Duration::from_millis(250),
            statement_timeout: Duration::from_secs(15),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("migrate", &self.migrate)
            .field("accept_copy", &self.accept_copy)
            .field("sqlite", &self.sqlite)
            .field("postgres", &self.postgres)
            .finish_non_exhaustive()
    }
}
