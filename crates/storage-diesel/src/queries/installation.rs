//! The place a database lives in: what it says of itself, and where it is found.

use std::fmt;

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DatabaseError};
use diesel::sql_types::Text;
use token_core::session::EndReason;
use token_core::time::Timestamp;

use super::is_taken;
use crate::columns::{Time, sql};
use crate::connection::AnyConnection;
use crate::schema::{installation, sessions};

/// The only row there may be.
const ROW: i32 = 1;

/// Where a database lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a file. Which one, nothing in it tells.
    File,
    /// On a server.
    Server {
        /// The identifier that the cluster got when it was made; some services do not tell it.
        cluster: Option<String>,
        /// The oids of the database and of the table `installation`, with a slash between them.
        oids: String,
    },
}

/// How a cluster is written whose identifier is not told.
const UNTOLD: &str = "-";

impl Place {
    /// Whether both are one place, as far as both can be told.
    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::File, Self::File) => true,
            (
                Self::Server { cluster, oids },
                Self::Server {
                    cluster: other_cluster,
                    oids: other_oids,
                },
            ) => {
                let told = cluster.as_ref().zip(other_cluster.as_ref());
                oids == other_oids && told.is_none_or(|(one, other)| one == other)
            }
            (Self::File, Self::Server { .. }) | (Self::Server { .. }, Self::File) => false,
        }
    }

    /// Whether everything is known that can be.
    pub(crate) const fn is_told(&self) -> bool {
        match self {
            Self::File => true,
            Self::Server { cluster, .. } => cluster.is_some(),
        }
    }

    /// Reads what is stored. What nobody here wrote is a place that exists nowhere.
    fn stored(text: &str) -> Self {
        match text.split_once('/') {
            None => Self::File,
            Some((cluster, oids)) => Self::Server {
                cluster: (cluster != UNTOLD).then(|| cluster.to_owned()),
                oids: oids.to_owned(),
            },
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("file"),
            Self::Server { cluster, oids } => {
                write!(f, "{}/{oids}", cluster.as_deref().unwrap_or(UNTOLD))
            }
        }
    }
}

/// What a database says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installation {
    pub(crate) place: Place,
    /// When it was made as a backup, if it is one.
    pub(crate) backup_at: Option<Timestamp>,
}

#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Text)]
    value: String,
}

/// Where the database is. Not inside a transaction: a server that does not tell its identifier
/// would make the rest of it useless.
pub(crate) fn here(conn: &mut AnyConnection) -> Result<Place, DatabaseError> {
    let AnyConnection::Postgres(conn) = conn else {
        return Ok(Place::File);
    };
    let oids: Told = diesel::sql_query(
        "SELECT oid::text || '/' || 'installation'::regclass::oid::text AS value \
         FROM pg_database WHERE datname = current_database()",
    )
    .get_result(conn)?;
    let cluster: Result<Told, _> =
        diesel::sql_query("SELECT system_identifier::text AS value FROM pg_control_system()")
            .get_result(conn);
    let cluster = match cluster {
        Ok(told) => Some(told.value),
        Err(error) if is_lost(&error) => return Err(error),
        Err(_) => None,
    };
    Ok(Place::Server {
        cluster,
        oids: oids.value,
    })
}

/// Whether the connection is gone, which says nothing of what the server would tell.
fn is_lost(error: &DatabaseError) -> bool {
    matches!(
        error,
        DatabaseError::DatabaseError(
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand,
            _
        )
    )
}

/// What the database says of itself; nothing, before any program of this version opened it.
pub(crate) fn read(conn: &mut AnyConnection) -> Result<Option<Installation>, DatabaseError> {
    let row: Option<(String, Option<Time>)> = installation::table
        .find(ROW)
        .select((installation::place, installation::backup_at))
        .get_result(conn)
        .optional()?;
    Ok(row.map(|(place, backup_at)| Installation {
        place: Place::stored(&place),
        backup_at: backup_at.map(Timestamp::from),
    }))
}

/// Writes down where the database is, if nobody else did so just now.
pub(crate) fn record(conn: &mut AnyConnection, here: &Place) -> Result<(), DatabaseError> {
    let inserted = diesel::insert_into(installation::table)
        .values((
            installation::id.eq(ROW),
            installation::place.eq(here.to_string()),
        ))
        .execute(conn);
    match inserted {
        Err(error) if is_taken(&error) => Ok(()),
        other => other.map(drop),
    }
}

/// Makes the database say that it is at home here, whatever it said before.
pub(crate) fn take_over(conn: &mut AnyConnection, here: &Place) -> Result<(), DatabaseError> {
    replace(conn, here, None)
}

/// Makes the database say that it is a backup.
pub(crate) fn mark_as_backup(conn: &mut AnyConnection, at: Timestamp) -> Result<(), DatabaseError> {
    replace(conn, &Place::File, Some(at))
}

fn replace(
    conn: &mut AnyConnection,
    place: &Place,
    backup_at: Option<Timestamp>,
) -> Result<(), DatabaseError> {
    let place = installation::place.eq(place.to_string());
    let backup_at = installation::backup_at.eq(backup_at.map(Time::from));
    let written = diesel::update(installation::table.find(ROW))
        .set((place.clone(), backup_at))
        .execute(conn)?;
    if written == 0 {
        diesel::insert_into(installation::table)
            .values((installation::id.eq(ROW), place, backup_at))
            .execute(conn)?;
    }
    Ok(())
}

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = sql::TimeColumn)]
    now: Time,
}

/// The database's own time, or this machine's where the database has none.
pub(crate) fn now(conn: &mut AnyConnection, here: Timestamp) -> Result<Timestamp, DatabaseError> {
    let AnyConnection::Postgres(conn) = conn else {
        return Ok(here);
    };
    let row: Now = diesel::sql_query("SELECT clock_timestamp() AS now").get_result(conn)?;
    Ok(row.now.into())
}

/// Ends every session, of whatever user, that a token might still belong to, and says how many.
/// One whose idle end has passed in this database may have gone on after the copy was made; past
/// its absolute end none does.
pub(crate) fn end_every_session(
    conn: &mut AnyConnection,
    now: Timestamp,
) -> Result<u64, DatabaseError> {
    if let AnyConnection::Postgres(conn) = conn {
        // Rows would be locked in no particular order, and a server that still runs locks them too.
        diesel::sql_query("LOCK TABLE sessions IN EXCLUSIVE MODE").execute(conn)?;
    }
    let now = Time::from(now);
    let ended = diesel::update(sessions::table)
        .filter(sessions::ended_at.is_null())
        .filter(sessions::max_expires_at.gt(now))
        .set((
            sessions::ended_at.eq(now),
            sessions::end_reason.eq(EndReason::StateLost.as_str()),
        ))
        .execute(conn)?;
    Ok(u64::try_from(ended).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        let place = Place::stored(text);
        assert_eq!(place.to_string(), text);
        place
    }

    #[test]
    fn a_place_is_told_by_what_both_sides_know() {
        let original = place("7401/16384/16450");
        assert!(original.is(&original));
        for copy in [
            "7402/16384/16450",
            "7401/16385/16450",
            "7401/16384/16451",
            "-/16384/16451",
            "file",
        ] {
            assert!(!original.is(&place(copy)), "{copy}");
            assert!(!place(copy).is(&original), "{copy}");
        }
        assert!(original.is(&place("-/16384/16450")));
        assert!(place("-/16384/16450").is(&original));
        assert!(place("file").is(&Place::File));
    }
}
