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

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use diesel::Connection;
    use diesel::connection::InstrumentationEvent;

    use super::AnyConnection;

    /// How many statements a connection has prepared and kept since it was asked.
    pub(crate) struct Prepared(Arc<AtomicU32>);

    impl Prepared {
        pub(crate) fn of(conn: &mut AnyConnection) -> Self {
            let prepared = Arc::new(AtomicU32::new(0));
            let count = Arc::clone(&prepared);
            conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
                if matches!(event, InstrumentationEvent::CacheQuery { .. }) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
            Self(prepared)
        }

        pub(crate) fn count(&self) -> u32 {
            self.0.load(Ordering::Relaxed)
        }
    }
}
