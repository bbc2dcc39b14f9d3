//! Deleting what is too old to matter to any token.

use diesel::prelude::*;
use token_core::store::SweepBefore;

use crate::columns::{Id, Time};
use crate::connection::AnyConnection;
use crate::error::Failure;
use crate::schema::{name_reservations, sessions};

/// Deletes a slice and says how many sessions went.
pub(crate) fn sweep(conn: &mut AnyConnection, before: &SweepBefore) -> Result<u64, Failure> {
    let old: Vec<Id> = sessions::table
        .filter(
            sessions::max_expires_at
                .lt(Time::from(before.max_expires_at))
                .or(sessions::ended_at.lt(Time::from(before.ended_at))),
        )
        .limit(i64::from(before.limit))
        .select(sessions::id)
        .load(conn)?;
    let mut deleted = 0;
    // In slices that fit into one statement's parameters.
    for ids in old.chunks(1_000) {
        deleted += diesel::delete(sessions::table)
            .filter(sessions::id.eq_any(ids))
            .execute(conn)?;
    }
    diesel::delete(name_reservations::table)
        .filter(name_reservations::reserved_until.lt(Time::from(before.reserved_until)))
        .execute(conn)?;
    Ok(u64::try_from(deleted).unwrap_or(u64::MAX))
}
