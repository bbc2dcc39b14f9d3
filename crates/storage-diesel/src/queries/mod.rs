//! Every query, written once for both databases. What the shared connection type cannot say is
//! matched on the database where it is needed: row locks in `locks`, PostgreSQL's feed in `feed`,
//! its batches of rotations in `rotation_batch`.

pub(crate) mod accounts;
pub(crate) mod audit;
pub(crate) mod clients;
pub(crate) mod counts;
pub(crate) mod feed;
pub(crate) mod keys;
mod locks;
mod names;
pub(crate) mod passwords;
pub(crate) mod rotation;
pub(crate) mod rotation_batch;
pub(crate) mod sessions;
pub(crate) mod sweep;
pub(crate) mod users;

use diesel::Connection;
use diesel::result::{DatabaseErrorKind, Error as DatabaseError};

use crate::connection::AnyConnection;
use crate::error::Failure;

/// Why work in a savepoint is undone.
enum Undo<T> {
    /// Because this is its outcome.
    With(T),
    /// Because it failed.
    Failed(Failure),
}

impl<T> From<DatabaseError> for Undo<T> {
    fn from(error: DatabaseError) -> Self {
        Self::Failed(error.into())
    }
}

impl<T> From<Failure> for Undo<T> {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Does work that can be undone without being a failure. On PostgreSQL a violated constraint also
/// makes the rest of its transaction useless, unless it is confined to a savepoint.
fn undoable<T>(
    conn: &mut AnyConnection,
    work: impl FnOnce(&mut AnyConnection) -> Result<T, Undo<T>>,
) -> Result<T, Failure> {
    match conn.transaction(work) {
        Ok(outcome) | Err(Undo::With(outcome)) => Ok(outcome),
        Err(Undo::Failed(failure)) => Err(failure),
    }
}

/// Whether something else has that key already.
fn is_taken(error: &DatabaseError) -> bool {
    matches!(
        error,
        DatabaseError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)
    )
}
