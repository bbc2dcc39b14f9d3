//! Rotations of many sessions in one transaction, which only PostgreSQL gets: one statement
//! advances all that can be advanced, one more reads the rows of the others, and those are decided
//! and carried out as single rotations are.

mod statement;

use std::collections::HashMap;

use diesel::pg::PgConnection;
use diesel::prelude::*;
use token_core::id::SessionId;
use token_core::session::Session;
use token_core::token::rotation::{Granted, Refusal, Rotation, RotationOutcome};
use token_core::user::User;

use self::statement::AdvanceAll;
use super::rotation::{Found, TRIES, settle};
use crate::columns::Id;
use crate::connection::AnyConnection;
use crate::error::Failure;
use crate::rows::{SessionRow, UserRow};
use crate::schema::{sessions, users};
use crate::unit::Tx;

/// Rotations that present the same token, as far as they got: one outcome each, in their order.
pub(crate) struct Together<'a> {
    rotations: Vec<&'a Rotation>,
    outcomes: Vec<RotationOutcome>,
}

impl<'a> Together<'a> {
    /// Nothing has been done for these yet.
    pub(crate) const fn new(rotations: Vec<&'a Rotation>) -> Self {
        Self {
            rotations,
            outcomes: Vec::new(),
        }
    }

    /// What became of them.
    pub(crate) fn into_outcomes(self) -> Vec<RotationOutcome> {
        self.outcomes
    }

    /// The first that has no outcome.
    fn next(&self) -> Option<&'a Rotation> {
        self.rotations.get(self.outcomes.len()).copied()
    }

    /// Goes on from what the first one found, as if the others had come right after it: what they
    /// share is the row, whereas each is decided by itself, since times, policies and known keys
    /// are each request's own.
    fn go_on(&mut self, tx: &mut Tx<'_>, start: Start) -> Result<(), Failure> {
        let mut found = match start {
            Start::Advanced(granted) => {
                tx.noticed.made(granted.session.rotated_at);
                let granted = Box::new(granted);
                self.outcomes
                    .push(RotationOutcome::Advanced(granted.clone()));
                Found::from(*granted)
            }
            Start::Stored(found) => found,
        };
        while let Some(rotation) = self.next() {
            match settle(tx, rotation, &mut found)? {
                Some(outcome) => self.outcomes.push(outcome),
                None => break,
            }
        }
        Ok(())
    }

    /// Whoever has no outcome by now has tried often enough.
    fn give_up(&mut self) {
        let contended = || RotationOutcome::Refused(Refusal::Contended);
        self.outcomes.resize_with(self.rotations.len(), contended);
    }
}

enum Start {
    /// The first one's write succeeded.
    Advanced(Granted),
    /// It changed nothing, and this is why.
    Stored(Found),
}

/// Rotates tokens of different sessions. The sessions' rows are locked from the first statement to
/// the commit, so what is read in between is what is written to.
pub(crate) fn rotate_all(tx: &mut Tx<'_>, batch: &mut [Together<'_>]) -> Result<(), Failure> {
    for _ in 0..TRIES {
        let firsts: Vec<&Rotation> = batch.iter().filter_map(Together::next).collect();
        if firsts.is_empty() {
            return Ok(());
        }
        let mut advanced = advance_all(tx.conn, &firsts)?;
        let others = firsts.iter().map(|first| first.presented.session_id);
        let others: Vec<SessionId> = others.filter(|id| !advanced.contains_key(id)).collect();
        let mut stored = find_all(tx.conn, &others)?;
        for together in batch.iter_mut() {
            let Some(first) = together.next() else {
                continue;
            };
            let id = first.presented.session_id;
            let start = match advanced.remove(&id) {
                Some(granted) => Start::Advanced(granted),
                None => Start::Stored(stored.remove(&id).into()),
            };
            together.go_on(tx, start)?;
        }
    }
    batch.iter_mut().for_each(Together::give_up);
    Ok(())
}

/// The normal path of many rotations, of different sessions: those that were written.
fn advance_all(
    conn: &mut AnyConnection,
    rotations: &[&Rotation],
) -> Result<HashMap<SessionId, Granted>, Failure> {
    let rows: Vec<(SessionRow, UserRow)> = AdvanceAll::new(rotations).load(postgres(conn)?)?;
    rows.into_iter()
        .map(|(session, user)| {
            let session = Session::try_from(session)?;
            let user = User::try_from(user)?;
            Ok((session.id, Granted { session, user }))
        })
        .collect()
}

type FoundSession = (Session, Option<User>);

/// Sessions and their users, as of one moment.
fn find_all(
    conn: &mut AnyConnection,
    ids: &[SessionId],
) -> Result<HashMap<SessionId, FoundSession>, Failure> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Id> = ids.iter().copied().map(Id::from).collect();
    let rows: Vec<(SessionRow, Option<UserRow>)> = sessions::table
        .left_join(users::table.on(users::id.eq(sessions::user_id)))
        .filter(sessions::id.eq_any(ids))
        .select((SessionRow::as_select(), Option::<UserRow>::as_select()))
        .load(postgres(conn)?)?;
    rows.into_iter()
        .map(|(session, user)| {
            let session = Session::try_from(session)?;
            let user = user.map(User::try_from).transpose()?;
            Ok((session.id, (session, user)))
        })
        .collect()
}

fn postgres(conn: &mut AnyConnection) -> Result<&mut PgConnection, Failure> {
    match conn {
        AnyConnection::Postgres(conn) => Ok(conn),
        AnyConnection::Sqlite(_) => Err(Failure::Damaged("the kind of the database")),
    }
}
