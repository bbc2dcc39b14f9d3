//! What a process needs to know of the work of others.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DatabaseError};
use diesel::sql_types::{BigInt, Bool};
use token_core::id::SessionId;
use token_core::store::{FeedCursor, FeedPage};
use token_core::time::Timestamp;

use crate::columns::{Id, Time, sql};
use crate::connection::AnyConnection;
use crate::error::Failure;
use crate::schema::{heartbeat, sessions};

/// Sessions that ended since then.
pub(crate) fn ended_since(
    conn: &mut AnyConnection,
    since: Timestamp,
) -> Result<Vec<(SessionId, Timestamp)>, Failure> {
    let rows: Vec<(Id, Option<Time>)> = sessions::table
        .filter(sessions::ended_at.ge(Time::from(since)))
        .select((sessions::id, sessions::ended_at))
        .load(conn)?;
    let ended = |(id, at): (Id, Option<Time>)| Some((id.into(), at?.into()));
    Ok(rows.into_iter().filter_map(ended).collect())
}

#[derive(QueryableByName)]
struct Oldest {
    #[diesel(sql_type = BigInt)]
    xid: i64,
}

#[derive(QueryableByName)]
struct EndedRow {
    #[diesel(sql_type = sql::IdColumn)]
    id: Id,
    #[diesel(sql_type = sql::TimeColumn)]
    ended_at: Time,
}

/// A page of PostgreSQL's feed. A position is the oldest transaction that was running when the
/// page was read: the next page has whatever that one and later ones ended, so that a transaction
/// that commits late is not missed. It is taken before the rows are read, which may only make the
/// next page longer. A position from the future is another server's: everything is read again.
pub(crate) fn postgres_page(
    conn: &mut AnyConnection,
    cursor: FeedCursor,
    since: Timestamp,
) -> Result<FeedPage, Failure> {
    let oldest: Oldest =
        diesel::sql_query("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xid")
            .get_result(conn)?;
    let next =
        u64::try_from(oldest.xid).map_err(|_| Failure::Damaged("the transaction counter"))?;
    let from = cursor.position().filter(|from| *from <= next);
    let ended = match from {
        None => ended_since(conn, since)?,
        Some(from) => ended_in(conn, from, since)?,
    };
    Ok(FeedPage {
        ended,
        cursor: FeedCursor::at(next),
    })
}

fn ended_in(
    conn: &mut AnyConnection,
    from: u64,
    since: Timestamp,
) -> Result<Vec<(SessionId, Timestamp)>, Failure> {
    let AnyConnection::Postgres(conn) = conn else {
        return ended_since(conn, since);
    };
    let from = i64::try_from(from).map_err(|_| Failure::Damaged("the transaction counter"))?;
    let rows: Vec<EndedRow> = diesel::sql_query(
        "SELECT id, ended_at FROM sessions \
         WHERE ended_at IS NOT NULL AND ended_xid >= $1::text::xid8 AND ended_at >= $2",
    )
    .bind::<BigInt, _>(from)
    .bind::<sql::TimeColumn, _>(Time::from(since))
    .load(conn)?;
    let ended = |row: EndedRow| (row.id.into(), row.ended_at.into());
    Ok(rows.into_iter().map(ended).collect())
}

/// Writes when a refresh token was made. `false` says that somebody else is about to: on PostgreSQL
/// nobody waits for another node, which may be cut off before it commits.
pub(crate) fn beat(conn: &mut AnyConnection, at: Timestamp) -> QueryResult<bool> {
    let at = Time::from(at);
    let written = match conn {
        AnyConnection::Postgres(conn) => diesel::sql_query(
            "UPDATE heartbeat SET beat_at = $1 \
             WHERE id IN (SELECT id FROM heartbeat FOR NO KEY UPDATE SKIP LOCKED)",
        )
        .bind::<sql::TimeColumn, _>(at)
        .execute(conn)?,
        AnyConnection::Sqlite(conn) => diesel::update(heartbeat::table)
            .set(heartbeat::beat_at.eq(at))
            .execute(conn)?,
    };
    Ok(written == 1)
}

/// When a refresh token was last made, up to about a second too early.
pub(crate) fn last_beat(conn: &mut AnyConnection) -> QueryResult<Option<Timestamp>> {
    let beat_at: Option<Option<Time>> = heartbeat::table
        .select(heartbeat::beat_at)
        .get_result(conn)
        .optional()?;
    Ok(beat_at.flatten().map(Timestamp::from))
}

#[derive(QueryableByName)]
struct Writable {
    #[diesel(sql_type = Bool)]
    writable: bool,
}

/// Fails where this transaction could not write. On SQLite that it began says enough: it holds the
/// write lock.
pub(crate) fn check_writable(conn: &mut AnyConnection) -> Result<(), Failure> {
    let AnyConnection::Postgres(conn) = conn else {
        return Ok(());
    };
    let row: Writable =
        diesel::sql_query("SELECT current_setting('transaction_read_only') = 'off' AS writable")
            .get_result(conn)?;
    if row.writable {
        Ok(())
    } else {
        let why = "the server only reads: it is a standby, or set to read-only".to_owned();
        Err(
            DatabaseError::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, Box::new(why))
                .into(),
        )
    }
}
