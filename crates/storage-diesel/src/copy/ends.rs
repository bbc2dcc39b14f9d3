//! The two databases of a copy: one that is read as it was at one moment, one that is filled.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use diesel::connection::{SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::result::Error as DatabaseError;
use diesel::sql_types::{BigInt, Text};

use super::CopyError;
use super::tables::{NAMES, counts};
use crate::connection::AnyConnection;
use crate::error::OpenError;
use crate::installation::{self, unhurried};
use crate::storage::connect;
use crate::url::DatabaseUrl;
use crate::{migrate, postgres};

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

#[derive(QueryableByName)]
struct Words {
    #[diesel(sql_type = Text)]
    value: String,
}

/// The database that is copied, in a transaction that sees one moment of it.
pub(super) struct Source {
    pub(super) conn: AnyConnection,
    watch: Option<Watch>,
}

/// What tells whether the source was written to.
enum Watch {
    /// A second connection to the file, and the number on it that changes with others' commits.
    File(AnyConnection, i64),
    /// What the tables were like.
    Tables(String),
}

impl Source {
    /// Opens the database and begins. Unless it may be in use, nobody else has it open.
    pub(super) fn open(url: &DatabaseUrl, live: bool) -> Result<Self, CopyError> {
        if !live && is_open_elsewhere(url).map_err(CopyError::Source)? {
            return Err(CopyError::InUse);
        }
        let conn = open_source(url).map_err(CopyError::Source)?;
        Self::begin(conn, url, live)
    }

    fn begin(mut conn: AnyConnection, url: &DatabaseUrl, live: bool) -> Result<Self, CopyError> {
        let failed = CopyError::SourceFailed;
        if !live && has_other_clients(&mut conn).map_err(failed)? {
            return Err(CopyError::InUse);
        }
        unhurried(&mut conn).map_err(failed)?;
        let mut watch = None;
        if let (false, AnyConnection::Sqlite(_)) = (live, &conn) {
            let mut beside = connect(url, false).map_err(CopyError::Source)?;
            let version = data_version(&mut beside).map_err(failed)?;
            watch = Some(Watch::File(beside, version));
        }
        begin_reading(&mut conn).map_err(failed)?;
        if let (false, AnyConnection::Postgres(_)) = (live, &conn) {
            watch = Some(Watch::Tables(fingerprint(&mut conn).map_err(failed)?));
        }
        Ok(Self { conn, watch })
    }

    /// How many rows there are in all.
    pub(super) fn rows(&mut self) -> Result<u64, CopyError> {
        let counts = counts(&mut self.conn).map_err(CopyError::SourceFailed)?;
        Ok(counts.iter().map(|(_, rows)| rows).sum())
    }

    /// Whether both are one database of one server: an advisory lock that one takes is then not the
    /// other's to take.
    pub(super) fn is_the_database_of(&mut self, target: &mut Target) -> Result<bool, CopyError> {
        let (AnyConnection::Postgres(source), AnyConnection::Postgres(target)) =
            (&mut self.conn, &mut target.conn)
        else {
            return Ok(false);
        };
        let lock: Number = diesel::sql_query("SELECT (random() * 1e15)::bigint AS value")
            .get_result(source)
            .map_err(CopyError::SourceFailed)?;
        diesel::sql_query("SELECT pg_advisory_xact_lock($1)")
            .bind::<BigInt, _>(lock.value)
            .execute(source)
            .map_err(CopyError::SourceFailed)?;
        let taken: Number =
            diesel::sql_query("SELECT pg_try_advisory_lock($1)::integer::bigint AS value")
                .bind::<BigInt, _>(lock.value)
                .get_result(target)
                .map_err(CopyError::TargetFailed)?;
        Ok(taken.value == 0)
    }

    /// Whether anything was committed since the copied moment. Ends the transaction.
    pub(super) fn has_changed(&mut self) -> Result<bool, CopyError> {
        let failed = CopyError::SourceFailed;
        self.conn.batch_execute("COMMIT").map_err(failed)?;
        Ok(match &mut self.watch {
            None => false,
            Some(Watch::File(beside, version)) => data_version(beside).map_err(failed)? != *version,
            Some(Watch::Tables(before)) => {
                begin_reading(&mut self.conn).map_err(failed)?;
                fingerprint(&mut self.conn).map_err(failed)? != *before
            }
        })
    }
}

fn open_source(url: &DatabaseUrl) -> Result<AnyConnection, OpenError> {
    let mut conn = connect(url, false)?;
    migrate::check(&mut conn)?;
    installation::at_home(installation::state(&mut conn)?)?;
    Ok(conn)
}

/// Begins a transaction in which everything is read as it is when its first statement is run.
fn begin_reading(conn: &mut AnyConnection) -> Result<(), DatabaseError> {
    let begin = match conn {
        AnyConnection::Sqlite(_) => "BEGIN",
        AnyConnection::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
    };
    conn.batch_execute(begin)?;
    // On SQLite the moment is that of the first read.
    counts(conn).map(drop)
}

/// Whether another process has a SQLite file open: whoever closes it as the last one takes its
/// write-ahead log away.
fn is_open_elsewhere(url: &DatabaseUrl) -> Result<bool, OpenError> {
    let Some(path) = url.sqlite_path() else {
        return Ok(false);
    };
    drop(connect(url, false)?);
    Ok(companion(path, "-wal").exists())
}

/// Whether another renewd or renewctl is connected to a PostgreSQL database.
fn has_other_clients(conn: &mut AnyConnection) -> Result<bool, DatabaseError> {
    let AnyConnection::Postgres(conn) = conn else {
        return Ok(false);
    };
    let others: Number = diesel::sql_query(
        "SELECT count(*) AS value FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid() \
         AND application_name = 'renewd'",
    )
    .get_result(conn)?;
    Ok(others.value > 0)
}

fn data_version(conn: &mut AnyConnection) -> Result<i64, DatabaseError> {
    let version: Number =
        diesel::sql_query("SELECT data_version AS value FROM pragma_data_version")
            .get_result(conn)?;
    Ok(version.value)
}

/// A text that is another one as soon as a row is made, changed or deleted: every version of a row
/// has its own place in the table and its own transaction.
fn fingerprint(conn: &mut AnyConnection) -> Result<String, DatabaseError> {
    NAMES
        .iter()
        .map(|table| {
            let versions: Words = diesel::sql_query(format!(
                "SELECT concat(count(*), ' ', sum(hashtextextended(\
                 ctid::text, xmin::text::bigint)::numeric)) AS value FROM {table}"
            ))
            .get_result(conn)?;
            Ok(versions.value + "\n")
        })
        .collect()
}

/// The database that is filled.
pub(super) struct Target {
    pub(super) conn: AnyConnection,
    /// A file that was not there before.
    made: Option<PathBuf>,
}

impl Target {
    /// Connects; makes a SQLite file that is not there.
    pub(super) fn open(url: &DatabaseUrl) -> Result<Self, CopyError> {
        let made = url.sqlite_path().filter(|path| !path.exists());
        let made = made.map(Path::to_owned);
        let conn = connect(url, true).map_err(CopyError::Target)?;
        Ok(Self { conn, made })
    }

    /// Migrates it, makes it an original, makes sure that it is empty, and begins to write. A server
    /// that is started on it meanwhile waits, and gives up.
    pub(super) fn prepare(&mut self) -> Result<(), CopyError> {
        self.migrate().map_err(CopyError::Target)?;
        let failed = CopyError::TargetFailed;
        installation::begin(&mut self.conn).map_err(failed)?;
        if let AnyConnection::Postgres(conn) = &mut self.conn {
            let lock = format!("LOCK TABLE {} IN EXCLUSIVE MODE", NAMES.join(", "));
            conn.batch_execute(&lock).map_err(failed)?;
        }
        let counts = counts(&mut self.conn).map_err(failed)?;
        let stored: Vec<String> = counts
            .iter()
            .filter(|(_, rows)| *rows > 0)
            .map(|(table, rows)| format!("{rows} {}", table.replace('_', " ")))
            .collect();
        if stored.is_empty() {
            Ok(())
        } else {
            Err(CopyError::NotEmpty(stored.join(", ")))
        }
    }

    fn migrate(&mut self) -> Result<(), OpenError> {
        if let AnyConnection::Postgres(conn) = &mut self.conn {
            postgres::check(conn)?;
        }
        migrate::run(&mut self.conn)?;
        migrate::check(&mut self.conn)?;
        unhurried(&mut self.conn)?;
        installation::settle_here(&mut self.conn)
    }

    /// Keeps what was written.
    pub(super) fn commit(&mut self) -> Result<(), CopyError> {
        AnyConnection::commit_transaction(&mut self.conn).map_err(CopyError::TargetFailed)
    }

    /// Keeps nothing, not even an empty file that was not there.
    pub(super) fn discard(self) {
        drop(self.conn);
        let Some(path) = self.made else {
            return;
        };
        for file in [
            path.clone(),
            companion(&path, "-wal"),
            companion(&path, "-shm"),
        ] {
            // What stays behind is an empty database, into which the copy can be made again.
            drop(fs::remove_file(file));
        }
    }
}

/// Whether both name one file.
pub(super) fn are_one_file(from: &DatabaseUrl, to: &DatabaseUrl) -> bool {
    let real = |url: &DatabaseUrl| fs::canonicalize(url.sqlite_path()?).ok();
    real(from).is_some_and(|file| Some(file) == real(to))
}

fn companion(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}
