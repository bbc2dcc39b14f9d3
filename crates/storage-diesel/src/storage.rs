//! The storage itself: opened by URL, closed without losing a commit.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use token_core::store::StoreFuture;
use token_core::time::{Clock, ClockOffset};

use crate::connection::AnyConnection;
use crate::error::{Failure, OpenError};
use crate::migrate::{self, MigrationStatus};
use crate::options::{Options, PostgresOptions};
use crate::unit::{Shared, Tx, wait};
use crate::url::{DatabaseUrl, Target};
use crate::{postgres, sqlite};

/// Everything renewd stores, in either database. Implements the ports of
/// [`token_core::store`]; its futures need no particular runtime, and dropping one does not stop
/// the work it waits for.
pub struct Storage {
    pub(crate) database: Database,
    pub(crate) shared: Arc<Shared>,
}

pub(crate) enum Database {
    Sqlite(sqlite::Database),
    Postgres(postgres::Database),
}

/// How well commits are shared: more units than commits is the gain of group commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitStats {
    /// Transactions committed.
    pub commits: u64,
    /// Units of work in them.
    pub units: u64,
}

/// How well rotations on PostgreSQL share transactions. All zero on SQLite, where one commit
/// serves every kind of work: see [`CommitStats`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RotationStats {
    /// Refreshes answered after a commit, whatever the answer.
    pub rotations: u64,
    /// Transactions committed for them.
    pub transactions: u64,
    /// Statements sent for them, `BEGIN` and `COMMIT` included, and those that came to nothing.
    pub statements: u64,
}

impl Storage {
    /// Opens the database. Blocks until it is connected and, if the options say so, migrated.
    pub fn open(url: &DatabaseUrl, options: &Options) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared::new(options));
        let database = match &url.0 {
            Target::Sqlite(path) => {
                Database::Sqlite(sqlite::Database::open(path, options, &shared)?)
            }
            Target::Postgres(url) => {
                Database::Postgres(postgres::Database::open(url, options, &shared)?)
            }
        };
        Ok(Self { database, shared })
    }

    /// Says which migrations a database has, and changes nothing. Blocks.
    pub fn migration_status(url: &DatabaseUrl) -> Result<MigrationStatus, OpenError> {
        migrate::status(&mut connect(url, false)?)
    }

    /// Runs the pending migrations and returns their names, in order. Makes a SQLite file if there
    /// is none. Blocks.
    pub fn migrate(url: &DatabaseUrl) -> Result<Vec<String>, OpenError> {
        let mut conn = connect(url, true)?;
        let done = migrate::run(&mut conn)?;
        migrate::check(&mut conn)?;
        Ok(done)
    }

    /// Commits what is queued, answers whoever waits, and ends the threads. Blocks. Whatever is
    /// asked of it afterwards is unavailable. Dropping a storage does the same.
    pub fn close(&self) {
        match &self.database {
            Database::Sqlite(database) => database.close(),
            Database::Postgres(database) => database.close(),
        }
    }

    /// How many commits there were, and of how much work.
    pub fn commit_stats(&self) -> CommitStats {
        CommitStats {
            commits: self.shared.commits.load(Ordering::Relaxed),
            units: self.shared.units.load(Ordering::Relaxed),
        }
    }

    /// How many refreshes there were, and what they took.
    pub fn rotation_stats(&self) -> RotationStats {
        let counts = &self.shared.rotations;
        RotationStats {
            rotations: counts.rotations.load(Ordering::Relaxed),
            transactions: counts.transactions.load(Ordering::Relaxed),
            statements: counts.statements.load(Ordering::Relaxed),
        }
    }

    /// The database's time of day, which rules the times of sessions: on PostgreSQL the server's
    /// clock, by this machine's and [`Self::clock_offset`]; on SQLite this machine's.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.shared.clock)
    }

    /// How far the database's clock is ahead of [`Options::clock`], as last measured: at the start
    /// and every few seconds on PostgreSQL, always zero on SQLite.
    pub fn clock_offset(&self) -> ClockOffset {
        self.shared.clock_offset.clone()
    }

    /// What an operator should know of the database as it was found at the start: settings of
    /// PostgreSQL with which a power cut can undo what was acknowledged.
    pub fn warnings(&self) -> &[String] {
        match &self.database {
            Database::Sqlite(_) => &[],
            Database::Postgres(database) => database.doubts(),
        }
    }

    /// Does a unit of work in one transaction. It is queued at once, not when the future is first
    /// polled.
    pub(crate) fn write<T, F>(&self, work: F) -> StoreFuture<'_, T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, Failure> + Send + 'static,
    {
        Box::pin(wait(match &self.database {
            Database::Sqlite(database) => database.write(work),
            Database::Postgres(database) => database.write(work),
        }))
    }

    /// Does work that only reads.
    pub(crate) fn read<T, F>(&self, mut work: F) -> StoreFuture<'_, T>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> Result<T, Failure> + Send + 'static,
    {
        let work = move |tx: &mut Tx<'_>| work(tx.conn);
        Box::pin(wait(match &self.database {
            Database::Sqlite(database) => database.read(work),
            Database::Postgres(database) => database.read(work),
        }))
    }
}

/// A connection that stands alone, outside any storage.
pub(crate) fn connect(url: &DatabaseUrl, create: bool) -> Result<AnyConnection, OpenError> {
    match &url.0 {
        Target::Sqlite(path) => sqlite::connect_alone(path, create).map(AnyConnection::Sqlite),
        Target::Postgres(url) => {
            let mut conn = postgres::connect(url, &PostgresOptions::default())?;
            postgres::check(&mut conn)?;
            Ok(AnyConnection::Postgres(conn))
        }
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.database {
            Database::Sqlite(_) => "Storage(SQLite)",
            Database::Postgres(_) => "Storage(PostgreSQL)",
        })
    }
}
