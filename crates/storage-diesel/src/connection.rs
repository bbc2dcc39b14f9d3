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
