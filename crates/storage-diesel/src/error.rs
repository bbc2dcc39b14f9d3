//! What can go wrong: inside a unit of work, for those who wait for it, and when a database is
//! opened.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diesel::result::{DatabaseErrorKind, Error as DatabaseError};
use token_core::store::StoreError;

use crate::installation::InstallationState;

/// Why a unit of work did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The database refused or failed.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// A stored value is not what renewd writes there.
    #[error("unexpected value in {0}")]
    Damaged(&'static str),
    /// The unit panicked; what it had written is undone.
    #[error("a unit of work panicked")]
    Panicked,
    /// The row kept changing between a decision and the write it asked for.
    #[error("a row kept changing under its writer")]
    Contended,
}

impl Failure {
    /// Whether the unit alone is to blame, so that whatever shares its transaction may go on.
    pub(crate) fn is_the_units_own(&self) -> bool {
        match self {
            Self::Damaged(_) | Self::Panicked | Self::Contended => true,
            Self::Database(error) => Self::is_own(error),
        }
    }

    /// Likewise, of the database's errors: a constraint violation undoes its own statement, and
    /// what could not be encoded or decoded undoes nothing. Any other error may have undone the
    /// whole transaction, after which later statements would run without one.
    pub(crate) fn is_own(error: &DatabaseError) -> bool {
        match error {
            DatabaseError::DatabaseError(kind, _) => matches!(
                kind,
                DatabaseErrorKind::UniqueViolation
                    | DatabaseErrorKind::ForeignKeyViolation
                    | DatabaseErrorKind::NotNullViolation
                    | DatabaseErrorKind::CheckViolation
                    | DatabaseErrorKind::RestrictViolation
                    | DatabaseErrorKind::ExclusionViolation
            ),
            error => matches!(
                error,
                DatabaseError::DeserializationError(_)
                    | DatabaseError::SerializationError(_)
                    | DatabaseError::QueryBuilderError(_)
                    | DatabaseError::InvalidCString(_)
                    | DatabaseError::NotFound
            ),
        }
    }

    /// Whether the server behind the connection does not write (any more), whatever else it does.
    pub(crate) fn is_of_a_reader(&self) -> bool {
        matches!(
            self,
            Self::Database(DatabaseError::DatabaseError(
                DatabaseErrorKind::ReadOnlyTransaction,
                _
            ))
        )
    }

    /// Whether the same work may succeed if it is simply done again: PostgreSQL chose it as the
    /// victim of a deadlock, could not serialize it, or closed the connection before the commit.
    /// Diesel does not pass the SQLSTATE of a deadlock on, and its message may be in any language.
    /// A server that only reads is not the primary any more; the next connection may find it.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Database(DatabaseError::DatabaseError(
                DatabaseErrorKind::SerializationFailure
                    | DatabaseErrorKind::ReadOnlyTransaction
                    | DatabaseErrorKind::ClosedConnection
                    | DatabaseErrorKind::UnableToSendCommand
                    | DatabaseErrorKind::Unknown,
                _
            ))
        )
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Damaged(place) => Self::Damaged(format!("unexpected value in {place}")),
            Failure::Database(DatabaseError::DeserializationError(error)) => {
                Self::Damaged(error.to_string())
            }
            Failure::Database(_) | Failure::Panicked | Failure::Contended => {
                Self::Unavailable(Box::new(failure))
            }
        }
    }
}

/// Why nobody could do the work; told to all who wait.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Fault {
    /// The transaction that the work shared was undone, or its commit is uncertain.
    #[error("the transaction failed: {0}")]
    Batch(#[source] Arc<DatabaseError>),
    /// There is no connection, and none can be had at the moment.
    #[error("{0}")]
    Unreachable(#[source] Arc<OpenError>),
    /// The database has another time than this machine.
    #[error(
        "this machine's clock and the database's are {} ms apart: synchronize both",
        .0.as_millis()
    )]
    ClocksApart(Duration),
    /// More work is waiting than will be done in time.
    #[error("too much work is waiting for the database")]
    Overloaded,
    /// The storage is closed.
    #[error("the storage is closed")]
    Closed,
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        Self::Unavailable(Box::new(fault))
    }
}

/// Why a database could not be opened. One line each, which says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory of a SQLite file does not exist.
    #[error("the directory {} does not exist: create it, or put the database elsewhere", .0.display())]
    DirectoryMissing(PathBuf),
    /// The file cannot be created, read or written.
    #[error("cannot open {} for writing: {source}", path.display())]
    Unwritable {
        /// The database file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// There is no database yet, and none was to be made.
    #[error("there is no database at {}: let the migrations run once to create it", .0.display())]
    Missing(PathBuf),
    /// The file is something else.
    #[error("{} is not a SQLite database: move it away, or put the database elsewhere", .0.display())]
    NotADatabase(PathBuf),
    /// The schema lacks migrations of this program.
    #[error(
        "the database's schema is older than this program ({missing} missing, the first is {first}): \
         run the migrations"
    )]
    Older {
        /// How many migrations are missing.
        missing: usize,
        /// The first of them.
        first: String,
    },
    /// The schema has migrations that this program does not know.
    #[error(
        "the database's schema is newer than this program (it has migration {0}): \
         use the newer program"
    )]
    Newer(String),
    /// The database is a restored backup or another copy, and nobody has decided what becomes of the
    /// sessions in it.
    #[error(
        "this database is {0}, and sessions that ended after it was made would be alive again: run \
         `renewctl db restored`, which ends every session in it (or, if nothing can have changed \
         since, `renewctl db restored --keep-sessions`)"
    )]
    Copy(InstallationState),
    /// The server does not answer, or refuses.
    #[error("cannot connect to {server}: {why}")]
    Unreachable {
        /// The server, without password.
        server: String,
        /// What libpq says, and what helps.
        why: String,
    },
    /// The server or its database lacks what renewd needs.
    #[error("the PostgreSQL database cannot be used: {0}")]
    Unsuitable(String),
    /// The database failed otherwise.
    #[error("the database failed while it was opened: {0}")]
    Database(#[from] DatabaseError),
    /// A migration failed; it was undone.
    #[error("a migration failed: {0}")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No thread could be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] std::io::Error),
}
