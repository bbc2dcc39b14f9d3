//! Status lists: a place for each new session, and what has become of the sessions in a list.

use diesel::dsl::{exists, max};
use diesel::prelude::*;
use diesel::result::Error as DatabaseError;
use token_core::random::{self, SystemEntropy};
use token_core::session::Session;
use token_core::store::StatusListPage;
use token_core::time::Timestamp;
use token_core::token::status_list::{PLACES, StatusPlace};

use super::{Undo, is_taken, undoable};
use crate::columns::Time;
use crate::connection::AnyConnection;
use crate::error::Failure;
use crate::rows::SessionRow;
use crate::schema::sessions;

/// A new list is begun when so many places are taken: a quarter of a list less some. What is taken
/// is counted only where a drawn place turns out to be, which by then is the case with every fourth
/// one, so the quarter is not exceeded: for that two hundred in a row would have to be free.
const FULL: i64 = PLACES as i64 / 4 - 256;
/// In how many places a session is tried: each is taken with a chance of a quarter at the most.
const TRIES: usize = 64;

/// Inserts a session at a place that nobody has, drawn at random: from one's own place nobody can
/// tell when others logged in, nor how many.
pub(super) fn insert(conn: &mut AnyConnection, session: &Session) -> Result<StatusPlace, Failure> {
    let mut list = highest(conn)?.unwrap_or(0);
    for _ in 0..TRIES {
        let place = StatusPlace {
            list,
            index: draw(),
        };
        let Some(refused) = insert_at(conn, session, place)? else {
            return Ok(place);
        };
        if !is_there(conn, place)? {
            return Err(refused.into());
        }
        if taken(conn, list)? >= FULL {
            list = list
                .checked_add(1)
                .ok_or(Failure::Damaged("the number of status lists"))?;
        }
    }
    Err(Failure::Contended)
}

/// Inserts a session at this place, or says why something else of it is there already.
fn insert_at(
    conn: &mut AnyConnection,
    session: &Session,
    place: StatusPlace,
) -> Result<Option<DatabaseError>, Failure> {
    let session = Session {
        status: Some(place),
        ..session.clone()
    };
    let row = SessionRow::try_from(&session)?;
    undoable(conn, |conn| {
        let inserted = diesel::insert_into(sessions::table)
            .values(row)
            .execute(conn);
        match inserted {
            Ok(_) => Ok(None),
            Err(error) if is_taken(&error) => Err(Undo::With(Some(error))),
            Err(error) => Err(error.into()),
        }
    })
}

fn is_there(conn: &mut AnyConnection, place: StatusPlace) -> Result<bool, Failure> {
    let here = sessions::table
        .filter(sessions::status_list.eq(number(place.list)?))
        .filter(sessions::status_index.eq(number(place.index)?));
    Ok(diesel::select(exists(here)).get_result(conn)?)
}

/// What is stored of a list.
pub(crate) fn page(
    conn: &mut AnyConnection,
    list: u32,
    since: Timestamp,
) -> Result<StatusListPage, Failure> {
    let highest = highest(conn)?;
    let Some(number) = i32::try_from(list).ok().filter(|_| Some(list) <= highest) else {
        return Ok(StatusListPage {
            highest,
            ended: Vec::new(),
        });
    };
    let ended: Vec<Option<i32>> = sessions::table
        .filter(sessions::status_list.eq(number))
        .filter(sessions::ended_at.ge(Time::from(since)))
        .select(sessions::status_index)
        .load(conn)?;
    let ended = ended
        .into_iter()
        .flatten()
        .filter_map(|index| u32::try_from(index).ok());
    Ok(StatusListPage {
        highest,
        ended: ended.collect(),
    })
}

fn highest(conn: &mut AnyConnection) -> Result<Option<u32>, Failure> {
    let highest: Option<i32> = sessions::table
        // As the index has it, so that it is used.
        .filter(sessions::status_list.is_not_null())
        .select(max(sessions::status_list))
        .get_result(conn)?;
    highest
        .map(|list| u32::try_from(list).map_err(|_| Failure::Damaged("sessions.status_list")))
        .transpose()
}

fn taken(conn: &mut AnyConnection, list: u32) -> Result<i64, Failure> {
    Ok(sessions::table
        .filter(sessions::status_list.eq(number(list)?))
        .count()
        .get_result(conn)?)
}

fn number(of: u32) -> Result<i32, Failure> {
    i32::try_from(of).map_err(|_| Failure::Damaged("sessions.status_list"))
}

fn draw() -> u32 {
    // A power of two, so that every place is as likely as any other.
    u32::from_be_bytes(random::bytes(&SystemEntropy::default())) % PLACES
}
