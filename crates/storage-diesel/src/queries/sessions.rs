//! Sessions: opening, ending, listing.

use std::time::Duration;

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use token_core::id::{ClientId, KeyId, SessionId, UserId};
use token_core::session::{EndReason, Session};
use token_core::store::{
    EndOutcome, EndSession, EndSessionsOf, OpenOutcome, OpenSession, SessionFilter,
};
use token_core::time::Timestamp;
use token_core::token::status_list::StatusPlace;
use token_core::user::User;

use super::locks::{
    lock_client, lock_live_sessions, lock_sessions, lock_sessions_of_client, lock_sessions_of_key,
    lock_user,
};
use super::status;
use crate::columns::{Id, Time};
use crate::connection::{AnyConnection, directly};
use crate::error::Failure;
use crate::rows::{SessionRow, UserRow};
use crate::schema::{sessions, users};
use crate::unit::Tx;

#[derive(AsChangeset)]
#[diesel(table_name = sessions)]
struct Ending {
    ended_at: Time,
    end_reason: &'static str,
}

impl Ending {
    fn new(reason: EndReason, now: Timestamp) -> Self {
        Self {
            ended_at: now.into(),
            end_reason: reason.as_str(),
        }
    }
}

/// Opens a session where its user still has the verified password and is not disabled.
pub(crate) fn open(tx: &mut Tx<'_>, open: &OpenSession) -> Result<OpenOutcome, Failure> {
    let session = &open.session;
    let locked = lock_user(tx.conn, session.user_id)?
        .filter(|locked| locked.user.is_active() && locked.password_hash == open.verified_hash);
    let Some(locked) = locked else {
        return Ok(OpenOutcome::Refused);
    };
    if !has_client(tx.conn, session)? {
        return Ok(OpenOutcome::Refused);
    }
    let place = insert(tx, session)?;
    let replaced = open.replaces.iter().filter(|id| **id != session.id);
    let replaced: Vec<Id> = replaced.copied().map(Id::from).collect();
    let beyond = beyond_limit(tx.conn, open, &replaced)?;
    lock_sessions(tx.conn, &[replaced.as_slice(), beyond.as_slice()].concat())?;
    end_these(tx, &replaced, EndReason::Replaced, session.created_at)?;
    end_these(tx, &beyond, EndReason::Limit, session.created_at)?;
    Ok(OpenOutcome::Opened(Box::new(locked.user), place))
}

/// Writes a session that has a refresh token.
pub(super) fn insert(tx: &mut Tx<'_>, session: &Session) -> Result<StatusPlace, Failure> {
    tx.noticed.made(session.rotated_at);
    status::insert(tx.conn, session)
}

/// Whether the client of a session that is to be opened is there, and stays until that is done.
pub(super) fn has_client(conn: &mut AnyConnection, session: &Session) -> Result<bool, Failure> {
    let client = &session.client_id;
    Ok(client.is_first_party() || lock_client(conn, client)?)
}

/// The user's live sessions that exceed the limit. The new one is counted but never among them;
/// those it replaces are neither.
fn beyond_limit(
    conn: &mut AnyConnection,
    open: &OpenSession,
    replaced: &[Id],
) -> Result<Vec<Id>, Failure> {
    let new = &open.session;
    let now = Time::from(new.created_at);
    Ok(sessions::table
        .filter(sessions::user_id.eq(Id::from(new.user_id)))
        .filter(sessions::id.ne(Id::from(new.id)))
        .filter(sessions::id.ne_all(replaced))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now))
        .filter(sessions::max_expires_at.gt(now))
        .order((sessions::rotated_at.desc(), sessions::id.desc()))
        .offset(i64::from(open.per_user.saturating_sub(1)))
        .select(sessions::id)
        .load(conn)?)
}

fn end_these(
    tx: &mut Tx<'_>,
    ids: &[Id],
    reason: EndReason,
    now: Timestamp,
) -> Result<(), Failure> {
    for id in ids {
        let written = diesel::update(sessions::table.find(id))
            .filter(sessions::ended_at.is_null())
            .set(Ending::new(reason, now))
            .execute(tx.conn)?;
        if written == 1 {
            tx.noticed.ended_now.push(((*id).into(), reason));
        }
    }
    Ok(())
}

/// How long another process's end may be unknown to this one that still vouches for sessions.
const UNREAD: Duration = Duration::from_hours(1);

/// Notes those of the user that had ended a moment before: perhaps another process did that, and
/// this one has not read it yet. Whoever is told that all of them have ended is told it of these too.
/// A clock that was set meanwhile may make the end seem older than it is, but hardly the last
/// rotation as well, after which the tokens were made that matter.
fn note_ended_before(tx: &mut Tx<'_>, user_id: UserId, now: Timestamp) -> Result<(), Failure> {
    let since = Time::from(now.minus(UNREAD));
    let ended: Vec<(Id, Option<Time>)> = sessions::table
        .filter(sessions::user_id.eq(Id::from(user_id)))
        .filter(sessions::ended_at.is_not_null())
        .filter(
            sessions::ended_at
                .ge(since)
                .or(sessions::rotated_at.nullable().ge(since)),
        )
        .select((sessions::id, sessions::ended_at))
        .load(tx.conn)?;
    let ended = ended
        .into_iter()
        .filter_map(|(id, at)| Some((id.into(), at?.into())));
    tx.noticed.ended_before.extend(ended);
    Ok(())
}

/// Notes what was ended just now, and says how many that is.
fn note_ended(tx: &mut Tx<'_>, ended: Vec<Id>, reason: EndReason) -> u64 {
    let count = ended.len();
    let ended = ended.into_iter().map(|id| (SessionId::from(id), reason));
    tx.noticed.ended_now.extend(ended);
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// Ends all sessions of a user that are not ended.
pub(super) fn end_live(
    tx: &mut Tx<'_>,
    user_id: UserId,
    except: Option<SessionId>,
    reason: EndReason,
    now: Timestamp,
) -> Result<u64, Failure> {
    lock_live_sessions(tx.conn, user_id)?;
    note_ended_before(tx, user_id, now)?;
    let live = sessions::table
        .filter(sessions::user_id.eq(Id::from(user_id)))
        .filter(sessions::ended_at.is_null());
    let ending = Ending::new(reason, now);
    let ended: Vec<Id> = match except {
        Some(kept) => diesel::update(live.filter(sessions::id.ne(Id::from(kept))))
            .set(ending)
            .returning(sessions::id)
            .get_results(tx.conn)?,
        None => diesel::update(live)
            .set(ending)
            .returning(sessions::id)
            .get_results(tx.conn)?,
    };
    Ok(note_ended(tx, ended, reason))
}

/// Ends all sessions of a registered client that are not ended, and says how many.
pub(super) fn end_of_client(
    tx: &mut Tx<'_>,
    client: &ClientId,
    reason: EndReason,
    now: Timestamp,
) -> Result<u64, Failure> {
    lock_sessions_of_client(tx.conn, client)?;
    let live = sessions::table
        .filter(sessions::client_id.eq(client.as_str()))
        // As the index has it, so that it is used.
        .filter(sql::<Bool>("client_id <> 'renewd'"))
        .filter(sessions::ended_at.is_null());
    let ended: Vec<Id> = diesel::update(live)
        .set(Ending::new(reason, now))
        .returning(sessions::id)
        .get_results(tx.conn)?;
    Ok(note_ended(tx, ended, reason))
}

/// When the last live session ends, at the latest, whose refresh token one of the keys signed.
pub(crate) fn last_end_of_keys(
    conn: &mut AnyConnection,
    kids: &[KeyId],
    now: Timestamp,
) -> Result<Option<Timestamp>, Failure> {
    let last = sessions::table
        .filter(sessions::refresh_kid.eq_any(kids.iter().map(KeyId::as_str)))
        .filter(sessions::expires_at.gt(Time::from(now)))
        .filter(sessions::ended_at.is_null())
        .order(sessions::max_expires_at.desc())
        .select(sessions::max_expires_at)
        .first::<Time>(conn)
        .optional()?;
    Ok(last.map(Timestamp::from))
}

/// Ends all sessions whose current refresh token a key signed that is refused from now on: they
/// could not go on, and would look alive until their idle end.
pub(super) fn end_of_key(
    tx: &mut Tx<'_>,
    kid: &KeyId,
    reason: EndReason,
    now: Timestamp,
) -> Result<(), Failure> {
    lock_sessions_of_key(tx.conn, kid)?;
    let live = sessions::table
        .filter(sessions::refresh_kid.eq(kid.as_str()))
        .filter(sessions::max_expires_at.gt(Time::from(now)))
        .filter(sessions::ended_at.is_null());
    let ended: Vec<Id> = diesel::update(live)
        .set(Ending::new(reason, now))
        .returning(sessions::id)
        .get_results(tx.conn)?;
    note_ended(tx, ended, reason);
    Ok(())
}

/// Ends all sessions of a user that are not ended, and says how many.
pub(crate) fn end_all(tx: &mut Tx<'_>, end: &EndSessionsOf) -> Result<u64, Failure> {
    end_live(tx, end.user_id, end.except, end.reason, end.now)
}

/// Ends one session.
pub(crate) fn end(tx: &mut Tx<'_>, end: &EndSession) -> Result<EndOutcome, Failure> {
    let live = sessions::table
        .find(Id::from(end.id))
        .filter(sessions::ended_at.is_null());
    let ending = Ending::new(end.reason, end.now);
    let written = match end.of_user {
        Some(user) => diesel::update(live.filter(sessions::user_id.eq(Id::from(user))))
            .set(ending)
            .execute(tx.conn)?,
        None => diesel::update(live).set(ending).execute(tx.conn)?,
    };
    if written == 1 {
        tx.noticed.ended_now.push((end.id, end.reason));
        return Ok(EndOutcome::Ended);
    }
    let found: Option<(Id, Option<Time>)> = sessions::table
        .find(Id::from(end.id))
        .select((sessions::user_id, sessions::ended_at))
        .get_result(tx.conn)
        .optional()?;
    let found = found.filter(|(owner, _)| end.of_user.is_none_or(|user| Id::from(user) == *owner));
    match found {
        Some((_, Some(ended_at))) => {
            // Perhaps another process ended it, and this one has not read that yet.
            tx.noticed.ended_before.push((end.id, ended_at.into()));
            Ok(EndOutcome::AlreadyEnded)
        }
        Some((_, None)) => Err(Failure::Contended),
        None => {
            // Swept, so named by a token that was genuine. Which ids a user asks for says nothing.
            if end.of_user.is_none() {
                tx.noticed.ended_before.push((end.id, end.now));
            }
            Ok(EndOutcome::NotFound)
        }
    }
}

/// Ends a session as a decision about this very row demands; `false` if the row has changed since.
pub(super) fn end_as_decided(
    tx: &mut Tx<'_>,
    decided_on: &Session,
    reason: EndReason,
    now: Timestamp,
) -> Result<bool, Failure> {
    let written = diesel::update(sessions::table.find(Id::from(decided_on.id)))
        .filter(sessions::refresh_digest.eq(decided_on.refresh_digest.as_bytes().as_slice()))
        .filter(sessions::ended_at.is_null())
        .set(Ending::new(reason, now))
        .execute(tx.conn)?;
    if written == 1 {
        tx.noticed.ended_now.push((decided_on.id, reason));
    }
    Ok(written == 1)
}

/// A session and, unless deleted, its user, as of one moment.
pub(crate) fn find(
    conn: &mut AnyConnection,
    id: SessionId,
) -> Result<Option<(Session, Option<User>)>, Failure> {
    let found = sessions::table
        .left_join(users::table.on(users::id.eq(sessions::user_id)))
        .filter(sessions::id.eq(Id::from(id)));
    let found: QueryResult<(SessionRow, Option<UserRow>)> = directly!(
        conn,
        found
            .select((SessionRow::as_select(), Option::<UserRow>::as_select()))
            .get_result(conn)
    );
    found
        .optional()?
        .map(|(session, user)| {
            let user = user.map(User::try_from).transpose()?;
            Ok((session.try_into()?, user))
        })
        .transpose()
}

/// Sessions, newest first.
pub(crate) fn list(
    conn: &mut AnyConnection,
    filter: &SessionFilter,
) -> Result<Vec<Session>, Failure> {
    let mut query = sessions::table
        .select(SessionRow::as_select())
        .order((sessions::created_at.desc(), sessions::id.desc()))
        .into_boxed();
    if let Some(user) = filter.user_id {
        query = query.filter(sessions::user_id.eq(Id::from(user)));
    }
    if let Some(now) = filter.live_at.map(Time::from) {
        query = query
            .filter(sessions::ended_at.is_null())
            .filter(sessions::expires_at.gt(now))
            .filter(sessions::max_expires_at.gt(now));
    }
    if let Some(limit) = filter.limit {
        query = query.limit(i64::from(limit));
    }
    let rows: Vec<SessionRow> = query.load(conn)?;
    rows.into_iter().map(Session::try_from).collect()
}
