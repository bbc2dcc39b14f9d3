//! [`FeedStore`].

use std::future::pending;
use std::time::Duration;

use token_core::store::{BoxFuture, FeedCursor, FeedPage, FeedStore, StoreError, StoreFuture};
use token_core::time::Timestamp;

use crate::error::Fault;
use crate::queries::feed;
use crate::sqlite;
use crate::storage::{Database, Storage};

/// Beyond this, session times of this machine's making would be wrong by more than the replay
/// window forgives.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

impl FeedStore for Storage {
    fn ended_sessions(&self, cursor: FeedCursor, since: Timestamp) -> StoreFuture<'_, FeedPage> {
        match &self.database {
            Database::Sqlite(database) => Box::pin(self.sqlite_page(database, cursor, since)),
            Database::Postgres(_) => {
                self.read(move |conn| feed::postgres_page(conn, cursor, since))
            }
        }
    }

    fn changed(&self) -> BoxFuture<'_, ()> {
        match &self.database {
            // Another process leaves nothing but a new version of the file, which the feed reads.
            Database::Sqlite(_) => Box::pin(pending()),
            Database::Postgres(database) => Box::pin(database.ended()),
        }
    }

    fn heartbeat(&self) -> StoreFuture<'_, Option<Timestamp>> {
        self.read(|conn| Ok(feed::last_beat(conn)?))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        let apart = self.clock_offset().distance();
        if apart > CLOCK_TOLERANCE {
            return Box::pin(async move { Err(Fault::ClocksApart(apart).into()) });
        }
        self.write(|tx| feed::check_writable(tx.conn))
    }
}

impl Storage {
    /// A page of SQLite's feed. A position is the writer's version of the file, which its own
    /// commits do not change: what this process ends, it knows. The version is asked for before
    /// the rows, which may only make the next page come although nothing happened.
    async fn sqlite_page(
        &self,
        database: &sqlite::Database,
        cursor: FeedCursor,
        since: Timestamp,
    ) -> Result<FeedPage, StoreError> {
        let position = database.version().await?;
        let ended = if cursor.position() == Some(position) {
            Vec::new()
        } else {
            self.read(move |conn| feed::ended_since(conn, since))
                .await?
        };
        Ok(FeedPage {
            ended,
            cursor: FeedCursor::at(position),
        })
    }
}
