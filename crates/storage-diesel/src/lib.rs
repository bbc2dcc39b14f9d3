//! The storage of renewd: the ports of [`token_core::store`] on SQLite and on PostgreSQL.
//!
//! [`Storage::open`] takes a [`DatabaseUrl`], whose scheme alone chooses the database, and
//! [`Options`]. Both databases are spoken to by synchronous Diesel on a few threads of their own: a
//! unit of work is one closure in one transaction, nothing of it can be cancelled half-way, and its
//! outcome arrives through a future that needs no particular runtime.
//!
//! Every line of SQL of the project is here or in the migrations. Where to look:
//! - `connection`, `columns`, `schema`, `rows`: what makes one set of queries serve both databases.
//! - `queries`: the queries, each written once.
//! - `unit`, `attempt`, `link`, `workers`: units of work and the threads that do them.
//! - `sqlite`: the writer with its group commit, and the readers; `postgres`: its
//!   connections, the batches in which it rotates, and what it is told.
//! - `installation`: whether a database is the original or a copy of it; `copy` moves one to another
//!   database, whichever kind both are.
//! - `migrate`: the embedded migrations. [`master_key`]: the one file that is not a database.

mod attempt;
mod columns;
mod connection;
mod copy;
mod counts;
mod crew;
mod directory;
mod error;
mod heartbeat;
mod hint;
mod installation;
mod link;
pub mod master_key;
mod migrate;
mod options;
mod ports;
mod postgres;
mod queries;
mod rows;
mod schema;
mod sqlite;
mod stats;
mod storage;
#[cfg(test)]
mod tests;
mod unit;
mod url;
mod vitals;
mod workers;

pub use copy::{CopiedTable, CopyError, CopyProgress, CopyReport};
pub use counts::Counts;
pub use directory::create_directory;
pub use error::OpenError;
pub use installation::{InstallationState, Restored, RestoredError};
pub use migrate::{MigrationState, MigrationStatus};
pub use options::{OnCommit, Options, PostgresOptions, SqliteOptions};
pub use sqlite::backup::{Backup, BackupError};
pub use stats::{ConnectionStats, PostgresStats, Stats};
pub use storage::{CommitStats, RotationStats, Storage};
pub use url::{DatabaseUrl, InvalidDatabaseUrl};

// Named so that they are linked: the C libraries are built from source, with TLS for libpq.
use libsqlite3_sys as _;
use openssl_sys as _;
use pq_sys as _;
