//! The statement that advances many sessions: written by hand because Diesel has no word for its
//! parts, and as a fragment of its query builder because only that becomes a prepared statement.

use diesel::dsl::{AsSelect, SqlTypeOf};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::{Array, Binary, Nullable, Text};
use token_core::token::rotation::Rotation;

use crate::columns::sql::{IdColumn, TimeColumn};
use crate::columns::{Id, Time};
use crate::queries::rotation::quiet_window;
use crate::rows::{SessionRow, UserRow};

/// Advances each session under all the conditions of a single rotation, and returns the rows that
/// were written, each with its user. At most one rotation of a session may be in it.
///
/// The rows are locked first, in the order of their ids, as whatever else locks several sessions
/// does. An `UPDATE` alone locks in the order of its plan: batches with sessions in common would
/// deadlock. The lock is the one that the update takes anyway. Where a row was changed while this
/// waited for it, the update checks its conditions again on the row as it is now; an active user is
/// still one then, because whoever disables or deletes a user ends the sessions in the same
/// transaction.
pub(super) struct AdvanceAll<'a> {
    session_ids: Vec<Id>,
    user_ids: Vec<Id>,
    client_ids: Vec<&'a str>,
    transports: Vec<&'static str>,
    presented: Vec<&'a [u8]>,
    digests: Vec<&'a [u8]>,
    kids: Vec<&'a str>,
    nows: Vec<Time>,
    quiet_from: Vec<Time>,
    quiet_to: Vec<Time>,
    idle_ends: Vec<Option<Time>>,
    returned: (AsSelect<SessionRow, Pg>, AsSelect<UserRow, Pg>),
}

impl<'a> AdvanceAll<'a> {
    /// The statement for these rotations.
    pub(super) fn new(rotations: &[&'a Rotation]) -> Self {
        fn column<'a, T>(rotations: &[&'a Rotation], of: impl Fn(&'a Rotation) -> T) -> Vec<T> {
            rotations.iter().copied().map(of).collect()
        }
        Self {
            session_ids: column(rotations, |r| r.presented.session_id.into()),
            user_ids: column(rotations, |r| r.presented.user_id.into()),
            client_ids: column(rotations, |r| r.presented.client_id.as_str()),
            transports: column(rotations, |r| r.presented.transport.as_str()),
            presented: column(rotations, |r| r.presented_digest.as_bytes().as_slice()),
            digests: column(rotations, |r| r.successor.digest.as_bytes().as_slice()),
            kids: column(rotations, |r| r.successor.kid.as_str()),
            nows: column(rotations, |r| r.now.into()),
            quiet_from: column(rotations, |r| quiet_window(r).0),
            quiet_to: column(rotations, |r| quiet_window(r).1),
            idle_ends: column(rotations, |r| r.new_idle_end().map(Time::from)),
            returned: (SessionRow::as_select(), UserRow::as_select()),
        }
    }
}

const ASKED: &str = "WITH asked AS MATERIALIZED (SELECT asked.* FROM unnest(";

const ADVANCE: &str = ") AS asked (session_id, user_id, client_id, transport, presented, \
    digest, kid, now, quiet_from, quiet_to, idle_end) \
    JOIN sessions ON sessions.id = asked.session_id \
    ORDER BY asked.session_id FOR NO KEY UPDATE OF sessions) \
    UPDATE sessions SET generation = sessions.generation + 1, refresh_digest = asked.digest, \
    refresh_kid = asked.kid, rotated_at = asked.now, \
    expires_at = least(coalesce(asked.idle_end, sessions.expires_at), sessions.max_expires_at) \
    FROM asked JOIN users ON users.id = asked.user_id \
    WHERE sessions.id = asked.session_id AND sessions.refresh_digest = asked.presented \
    AND sessions.user_id = asked.user_id AND sessions.client_id = asked.client_id \
    AND sessions.transport = asked.transport AND sessions.ended_at IS NULL \
    AND sessions.expires_at > asked.now AND sessions.max_expires_at > asked.now \
    AND (sessions.generation = 0 OR sessions.rotated_at < asked.quiet_from \
    OR sessions.rotated_at > asked.quiet_to) AND users.disabled_at IS NULL RETURNING ";

impl QueryFragment<Pg> for AdvanceAll<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(ASKED);
        out.push_bind_param::<Array<IdColumn>, _>(&self.session_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<IdColumn>, _>(&self.user_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.client_ids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.transports)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Binary>, _>(&self.presented)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Binary>, _>(&self.digests)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.kids)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<TimeColumn>, _>(&self.nows)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<TimeColumn>, _>(&self.quiet_from)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<TimeColumn>, _>(&self.quiet_to)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Nullable<TimeColumn>>, _>(&self.idle_ends)?;
        out.push_sql(ADVANCE);
        self.returned.walk_ast(out)
    }
}

impl QueryId for AdvanceAll<'_> {
    // The text is the same whatever the binds are, so the type alone names the prepared statement.
    type QueryId = AdvanceAll<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl Query for AdvanceAll<'_> {
    type SqlType = (
        SqlTypeOf<AsSelect<SessionRow, Pg>>,
        SqlTypeOf<AsSelect<UserRow, Pg>>,
    );
}

impl RunQueryDsl<PgConnection> for AdvanceAll<'_> {}
