//! How much is stored.

use diesel::prelude::*;
use token_core::time::Timestamp;

use crate::columns::Time;
use crate::connection::AnyConnection;
use crate::counts::Counts;
use crate::error::Failure;
use crate::schema::{sessions, users};

/// Counts everything. Reads whole tables: for people who ask now and then.
pub(crate) fn count(conn: &mut AnyConnection, now: Timestamp) -> Result<Counts, Failure> {
    let now = Time::from(now);
    let live = sessions::table
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::max_expires_at.gt(now));
    let number = |count: i64| u64::try_from(count).map_err(|_| Failure::Damaged("a count"));
    Ok(Counts {
        users: number(users::table.count().get_result(conn)?)?,
        sessions: number(sessions::table.count().get_result(conn)?)?,
        live_sessions: number(live.count().get_result(conn)?)?,
    })
}
