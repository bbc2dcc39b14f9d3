//! One connection type for both databases, so that a query is written once.

#![expect(
    unreachable_pub,
    reason = "the derive writes public items; the module is private"
)]

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// To a PostgreSQL server.
    Postgres(diesel::PgConnection),
    /// To a SQLite file.
    Sqlite(diesel::SqliteConnection),
}

/// Runs a query on the connection inside, whichever it is: the shared type writes the text of a
/// query twice each time it is run, even where the database has it prepared. For the hot paths.
macro_rules! directly {
    ($conn:ident, $run:expr) => {
        match $conn {
            $crate::connection::AnyConnection::Postgres($conn) => $run,
            $crate::connection::AnyConnection::Sqlite($conn) => $run,
        }
    };
}
pub(crate) use directly;
