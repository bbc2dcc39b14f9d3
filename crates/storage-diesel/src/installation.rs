//! The place a database lives in, so that a restored backup does not revive ended sessions in
//! silence.
//!
//! A backup knows nothing of what came after it. Put back, it would let sessions go on that were
//! ended since, by a logout, a changed password or a detected reuse, and nobody would notice. So
//! every database says in its table `installation` where it lives, and whoever opens one that says
//! otherwise than where it is found is refused until an operator has decided:
//! [`Storage::restored`] ends every session in it, or keeps them where nothing can have happened
//! since, as when an installation is moved while it stands still.
//!
//! Ending all of them is the only safe answer: which sessions were ended after the backup is just
//! what it cannot know. Their refresh tokens die with their rows, their access tokens through the
//! revocation set. What no row tells of, a session that began after the backup, has no refresh token
//! that works; its last access token is accepted until it expires.
//!
//! **PostgreSQL.** The place is the identifier that the cluster got from `initdb`, the oid of the
//! database and the oid of the table `installation`. A dump that is restored on another server
//! changes the first, a database made from a template the second, a dump that is restored over the
//! original the third. A restart, crash recovery, and the promotion of a standby change none of
//! them. Neither does recovery of a whole cluster from its archive to an earlier point in time: that
//! cannot be told from a promotion. Where the server does not tell its identifier, the two oids
//! must do, which is said in the log.
//!
//! **SQLite.** A file has no place. A backup that [`Storage::backup`] made says that it is one; a
//! copy by other means cannot be told from the original.
//!
//! For both: where a copy cannot be told, an operator runs `renewctl db restored` by hand.
//!
//! The place is looked at wherever a connection is opened, not only at the start: a server that is
//! connected to a restored database while it runs must not go on with it either.
//!
//! Architecture invariant: no connection that may write is given out before [`settle`] or a
//! [`guarded`] opening has looked at the place.

use std::fmt;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::result::Error as DatabaseError;
use token_core::time::Timestamp;

use crate::connection::AnyConnection;
use crate::error::OpenError;
use crate::link::Open;
use crate::migrate;
use crate::options::Options;
use crate::queries::installation::{self as queries, Installation, Place};
use crate::storage::{Storage, connect};
use crate::url::DatabaseUrl;

/// What a database says of the place it lives in, beside where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InstallationState {
    /// It does not say anything yet: the next program that opens it to work on it writes it down.
    Unrecorded,
    /// It is where it says.
    Original,
    /// It is a backup of a SQLite file, made at this time.
    Backup(Timestamp),
    /// It is a copy of a database that lives elsewhere.
    Copy {
        /// The place it says.
        place: String,
        /// The place it was found at.
        found_at: String,
    },
}

impl InstallationState {
    /// One word for it, for programs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unrecorded => "unrecorded",
            Self::Original => "original",
            Self::Backup(_) => "backup",
            Self::Copy { .. } => "copy",
        }
    }

    /// Whether the database may be worked on.
    fn is_at_home(&self) -> bool {
        match self {
            Self::Unrecorded | Self::Original => true,
            Self::Backup(_) | Self::Copy { .. } => false,
        }
    }
}

impl fmt::Display for InstallationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unrecorded => f.write_str("not recorded yet"),
            Self::Original => f.write_str("original"),
            Self::Backup(at) => write!(f, "a backup made at {}", at.floor_to_second().to_rfc3339()),
            Self::Copy { place, found_at } => {
                write!(
                    f,
                    "a copy of another database (of {place}, found at {found_at})"
                )
            }
        }
    }
}

/// What [`Storage::restored`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the database said before.
    pub was: InstallationState,
    /// How many sessions were ended; `None` where they were to be kept.
    pub ended: Option<u64>,
}

/// Why a restored database could not be taken over.
#[derive(Debug, thiserror::Error)]
pub enum RestoredError {
    /// It cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It failed; nothing was changed.
    #[error("the database failed, nothing was changed: {0}")]
    Database(#[from] DatabaseError),
}

impl Storage {
    /// Says whether a database lives where it says, and changes nothing. Its schema must be this
    /// program's. Blocks.
    pub fn installation_state(url: &DatabaseUrl) -> Result<InstallationState, OpenError> {
        let mut conn = connect(url, false)?;
        migrate::check(&mut conn)?;
        state(&mut conn)
    }

    /// Takes a database over that is a copy, or an original that was put back to an earlier state,
    /// and ends every session in it unless those are to be kept; all in one transaction. `now` is
    /// this machine's time, which counts on SQLite. Blocks.
    pub fn restored(
        url: &DatabaseUrl,
        keep_sessions: bool,
        now: Timestamp,
    ) -> Result<Restored, RestoredError> {
        let mut conn = connect(url, false)?;
        migrate::check(&mut conn)?;
        unhurried(&mut conn)?;
        let here = queries::here(&mut conn)?;
        let was = compare(queries::read(&mut conn)?, &here);
        begin(&mut conn)?;
        let now = queries::now(&mut conn, now)?;
        let ended = if keep_sessions {
            None
        } else {
            Some(queries::end_every_session(&mut conn, now)?)
        };
        queries::take_over(&mut conn, &here)?;
        AnyConnection::commit_transaction(&mut conn)?;
        Ok(Restored { was, ended })
    }
}

/// Makes sure, unless the options take any database, that this one lives here, and writes it down where it does not say so yet. For a
/// connection outside a transaction.
pub(crate) fn settle(conn: &mut AnyConnection, options: &Options) -> Result<(), OpenError> {
    if options.accept_copy {
        return Ok(());
    }
    settle_here(conn)
}

/// Likewise, for a database that is certainly to be worked on.
pub(crate) fn settle_here(conn: &mut AnyConnection) -> Result<(), OpenError> {
    let here = queries::here(conn)?;
    if !here.is_told() {
        tracing::warn!(
            "this server does not tell its identifier (pg_control_system): a copy of the database \
             on another server is known by its oids alone"
        );
    }
    let stored = queries::read(conn)?;
    let says_less = stored
        .as_ref()
        .is_some_and(|stored| stored.place != here && stored.place.is(&here));
    match compare(stored, &here) {
        InstallationState::Unrecorded => queries::record(conn, &here)?,
        // Its identifier was not told when the place was written down, and is now.
        InstallationState::Original if says_less && here.is_told() => {
            queries::take_over(conn, &here)?;
        }
        state => return at_home(state),
    }
    // Somebody else may have been faster, with another place than this.
    at_home(state(conn)?)
}

/// The same opening, which also looks whether the database lives where it is found: for connections
/// that are opened again while the program runs.
pub(crate) fn guarded(open: Open, options: &Options) -> Open {
    if options.accept_copy {
        return open;
    }
    Box::new(move || {
        let mut conn = open()?;
        at_home(state(&mut conn)?)?;
        Ok(conn)
    })
}

/// What the database says of its place, beside where it is.
pub(crate) fn state(conn: &mut AnyConnection) -> Result<InstallationState, OpenError> {
    let here = queries::here(conn)?;
    Ok(compare(queries::read(conn)?, &here))
}

/// An error where the database must not be worked on.
pub(crate) fn at_home(state: InstallationState) -> Result<(), OpenError> {
    if state.is_at_home() {
        Ok(())
    } else {
        Err(OpenError::Copy(state))
    }
}

fn compare(stored: Option<Installation>, here: &Place) -> InstallationState {
    match stored {
        None => InstallationState::Unrecorded,
        Some(Installation {
            backup_at: Some(at),
            ..
        }) => InstallationState::Backup(at),
        Some(stored) if stored.place.is(here) => InstallationState::Original,
        Some(stored) => InstallationState::Copy {
            place: stored.place.to_string(),
            found_at: here.to_string(),
        },
    }
}

/// Lifts the time limits of everyday work from a connection that has one long piece of work to do.
pub(crate) fn unhurried(conn: &mut AnyConnection) -> Result<(), DatabaseError> {
    match conn {
        AnyConnection::Sqlite(_) => Ok(()),
        AnyConnection::Postgres(conn) => conn.batch_execute(
            "SET lock_timeout = '60s'; SET statement_timeout = 0; \
             SET idle_in_transaction_session_timeout = 0;",
        ),
    }
}

/// Begins a transaction that writes.
pub(crate) fn begin(conn: &mut AnyConnection) -> Result<(), DatabaseError> {
    match conn {
        AnyConnection::Sqlite(conn) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")
        }
        AnyConnection::Postgres(conn) => AnsiTransactionManager::begin_transaction(conn),
    }
}
