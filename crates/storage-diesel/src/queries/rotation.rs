//! The rotation of a refresh token: one conditional write, and for what that leaves alone the
//! decision of token-core, carried out in the same transaction.

mod statement;

use diesel::dsl::{case_when, exists};
use diesel::prelude::*;
use diesel::sql_types::Nullable;
use token_core::session::{Ended, Session};
use token_core::store::{AuditEvent, AuditKind};
use token_core::token::rotation::{Decision, Granted, Refusal, Rotation, RotationOutcome};
use token_core::user::User;

use self::statement::Advance;
use super::{audit, sessions as all_sessions};
use crate::columns::sql::TimeColumn;
use crate::columns::{Id, Time};
use crate::connection::{AnyConnection, directly};
use crate::error::Failure;
use crate::rows::to_count;
use crate::schema::{sessions, users};
use crate::unit::Tx;

/// How often the write is tried: again where a race was lost to a change that came to nothing.
pub(super) const TRIES: u32 = 4;

/// Rotates. An end that the decision asks for is written with its audit event although the outcome
/// is a refusal: it is a value, and what comes with it is committed.
pub(crate) fn rotate(tx: &mut Tx<'_>, rotation: &Rotation) -> Result<RotationOutcome, Failure> {
    for _ in 0..TRIES {
        if let Some(granted) = advance(tx.conn, rotation)? {
            tx.noticed.made(granted.session.rotated_at);
            return Ok(RotationOutcome::Advanced(Box::new(granted)));
        }
        let found = all_sessions::find(tx.conn, rotation.presented.session_id)?;
        let mut found = Found::from(found);
        if let Some(outcome) = settle(tx, rotation, &mut found)? {
            return Ok(outcome);
        }
    }
    Ok(RotationOutcome::Refused(Refusal::Contended))
}

/// What the database has of a presented token's session, as of this transaction.
#[derive(Default)]
pub(super) struct Found {
    pub(super) session: Option<Session>,
    pub(super) user: Option<User>,
}

impl From<Option<(Session, Option<User>)>> for Found {
    fn from(found: Option<(Session, Option<User>)>) -> Self {
        match found {
            Some((session, user)) => Self {
                session: Some(session),
                user,
            },
            None => Self::default(),
        }
    }
}

impl From<Granted> for Found {
    fn from(granted: Granted) -> Self {
        Self {
            session: Some(granted.session),
            user: Some(granted.user),
        }
    }
}

/// Decides what a rotation that wrote nothing comes to, and carries that out; what it changes is
/// also changed in `found`. `None` if the row has changed since it was read, or the decision is to
/// write again.
pub(super) fn settle(
    tx: &mut Tx<'_>,
    rotation: &Rotation,
    found: &mut Found,
) -> Result<Option<RotationOutcome>, Failure> {
    let decision = rotation.decide(found.session.as_ref(), found.user.as_ref());
    let carried_out = carry_out(tx, rotation, decision, found.session.as_mut())?;
    Ok(carried_out
        .then(|| RotationOutcome::of(decision, found.session.clone(), found.user.clone())))
}

/// The normal path. `None` if any condition does not hold, and then nothing is written.
fn advance(conn: &mut AnyConnection, rotation: &Rotation) -> Result<Option<Granted>, Failure> {
    let presented = &rotation.presented;
    let successor = &rotation.successor;
    let now = Time::from(rotation.now);
    let (quiet_from, quiet_to) = quiet_window(rotation);
    let active_user = users::table
        .filter(users::id.eq(Id::from(presented.user_id)))
        .filter(users::disabled_at.is_null());
    let when = sessions::id
        .eq(Id::from(presented.session_id))
        .and(sessions::refresh_digest.eq(rotation.presented_digest.as_bytes().as_slice()))
        .and(sessions::user_id.eq(Id::from(presented.user_id)))
        .and(sessions::client_id.eq(presented.client_id.as_str()))
        .and(sessions::transport.eq(presented.transport.as_str()))
        .and(sessions::ended_at.is_null())
        .and(sessions::expires_at.gt(now))
        .and(sessions::max_expires_at.gt(now))
        .and(
            sessions::generation
                .eq(0)
                .or(sessions::rotated_at.lt(quiet_from))
                .or(sessions::rotated_at.gt(quiet_to)),
        )
        .and(exists(active_user));
    // Where the idle end does not move it is set to itself, so that the statement is always one.
    let idle_end = rotation.new_idle_end().map(Time::from);
    let idle_end = idle_end.into_sql::<Nullable<TimeColumn>>();
    let set = (
        sessions::generation.eq(sessions::generation + 1),
        sessions::refresh_digest.eq(successor.digest.as_bytes().as_slice()),
        sessions::refresh_kid.eq(successor.kid.as_str()),
        sessions::rotated_at.eq(now),
        sessions::expires_at.eq(case_when(idle_end.is_null(), sessions::expires_at)
            .when(
                sessions::max_expires_at.nullable().lt(idle_end),
                sessions::max_expires_at,
            )
            .otherwise(idle_end.assume_not_null())),
    );
    if directly!(conn, Advance::new(set, when).execute(conn))? == 0 {
        return Ok(None);
    }
    // Whoever disables or deletes a user ends the sessions after that, and so waits for this
    // transaction, or was waited for. Should the user be gone all the same, nothing is kept.
    match all_sessions::find(conn, presented.session_id)? {
        Some((session, Some(user))) if user.is_active() => Ok(Some(Granted { session, user })),
        Some(_) | None => Err(Failure::Contended),
    }
}

/// When a session must have been rotated for this rotation to write nothing. An interval that ends
/// before it starts contains no moment: the window is switched off.
pub(super) fn quiet_window(rotation: &Rotation) -> (Time, Time) {
    let (from, to) = rotation
        .quiet_window()
        .unwrap_or((rotation.now, rotation.now.minus(MICROSECOND)));
    (from.into(), to.into())
}

const MICROSECOND: std::time::Duration = std::time::Duration::from_micros(1);

/// Writes what the decision asks for. `false` if the row has changed since it was read, or the
/// decision is to write again.
fn carry_out(
    tx: &mut Tx<'_>,
    rotation: &Rotation,
    decision: Decision,
    session: Option<&mut Session>,
) -> Result<bool, Failure> {
    let Some(session) = session else {
        return Ok(true);
    };
    if let Some((reason, kind)) = decision.ends_session() {
        let written = all_sessions::end_as_decided(tx, session, reason, rotation.now)?;
        if written {
            audit::record(tx.conn, &event(rotation, session, kind))?;
            session.ended = Some(Ended {
                at: rotation.now,
                reason,
            });
        }
        return Ok(written);
    }
    match decision {
        Decision::WriteAgain => Ok(false),
        Decision::LateRecovery => {
            let written = recover(tx.conn, session)?;
            if written {
                audit::record(tx.conn, &event(rotation, session, AuditKind::LateRecovery))?;
            }
            Ok(written)
        }
        Decision::Revoked => {
            // Perhaps another process ended it, and this one has not read that yet.
            let ended = session.ended.map(|ended| (session.id, ended.at));
            tx.noticed.ended_before.extend(ended);
            Ok(true)
        }
        Decision::Invalid
        | Decision::Expired
        | Decision::Repeat
        | Decision::Replay
        | Decision::Reuse
        | Decision::StateLost
        | Decision::UnknownKey => Ok(true),
    }
}

/// Remembers a late recovery, where the row is still the one that was decided on.
fn recover(conn: &mut AnyConnection, session: &mut Session) -> Result<bool, Failure> {
    let generation = to_count(session.generation, "sessions.generation")?;
    let written = diesel::update(sessions::table.find(Id::from(session.id)))
        .filter(sessions::refresh_digest.eq(session.refresh_digest.as_bytes().as_slice()))
        .filter(sessions::ended_at.is_null())
        .set(sessions::recovered_generation.eq(generation))
        .execute(conn)?;
    session.recovered_generation = Some(session.generation);
    Ok(written == 1)
}

fn event(rotation: &Rotation, session: &Session, kind: AuditKind) -> AuditEvent {
    AuditEvent {
        id: rotation.audit_id,
        at: rotation.now,
        kind,
        user_id: Some(session.user_id),
        session_id: Some(session.id),
        detail: format!(
            "presented_generation={} generation={}",
            rotation.presented.generation, session.generation
        ),
    }
}
