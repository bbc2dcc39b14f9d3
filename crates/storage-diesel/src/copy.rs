//! Moving an installation from one database to another, of either kind: whoever is logged in stays
//! logged in.
//!
//! What is copied is one moment of the source: a read transaction on SQLite, a repeatable-read one on
//! PostgreSQL. The target must be empty, and gets everything in one transaction, so that a copy that
//! was interrupted is never taken for a whole one: the target is as empty as it was, and the copy is
//! simply made again. Rows are read in pages by primary key and written in statements of many rows, so
//! that memory does not grow with the number of sessions.
//!
//! A server that goes on with the source would refresh sessions that the copy has at an earlier
//! generation, and their clients would be logged out at the target (`state_lost`). So a source that
//! another program has open is refused, and so is one that was written to while it was read; a
//! rehearsal on a live installation says that it is one.
//!
//! Keys are copied as they are, sealed: whoever runs the target needs the same master key. The
//! target becomes an original of its own, see [`crate::InstallationState`].

mod ends;
mod tables;

use diesel::result::Error as DatabaseError;

use self::ends::{Source, Target};
use self::tables::{AuditEvents, Clients, Keys, NameReservations, Sessions, Table, Users};
use crate::error::OpenError;
use crate::queries::feed;
use crate::storage::Storage;
use crate::url::DatabaseUrl;

/// How many rows are read and written at once: 21 parameters each for a session, of which SQLite
/// takes 32,766 in a statement and PostgreSQL 65,535.
const PAGE: i64 = 1_000;

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyProgress {
    /// The table that is copied at the moment.
    pub table: &'static str,
    /// Rows copied so far, of all tables.
    pub copied: u64,
    /// Rows there are to copy, in all tables.
    pub total: u64,
}

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyReport {
    /// Every table, in the order in which they were copied.
    pub tables: Vec<CopiedTable>,
}

/// A table that was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopiedTable {
    /// Its name.
    pub table: &'static str,
    /// How many rows it has, in both databases.
    pub rows: u64,
}

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The source cannot be opened.
    #[error("the source: {0}")]
    Source(#[source] OpenError),
    /// The target cannot be opened or migrated.
    #[error("the target: {0}")]
    Target(#[source] OpenError),
    /// Both are one.
    #[error("source and target are the same database: name a new one as the target")]
    SameDatabase,
    /// Another program has the source open.
    #[error(
        "another program works on the source: stop every renewd on it, because whoever refreshes \
         there after the copy was made has to log in again; or rehearse the move with --live"
    )]
    InUse,
    /// There is something in the target.
    #[error(
        "the target is not empty (it has {0}): name a new database; one that a server was started \
         on has keys of its own"
    )]
    NotEmpty(String),
    /// The source was written to meanwhile.
    #[error(
        "the source was written to while it was copied, so nothing was kept of the copy: stop every \
         renewd on it and copy again, or rehearse the move with --live"
    )]
    Changed,
    /// The numbers do not agree.
    #[error(
        "{table} has {source_rows} rows in the source and {target_rows} in the target, so nothing \
         was kept of the copy"
    )]
    Incomplete {
        /// Which table.
        table: &'static str,
        /// How many rows the source has.
        source_rows: u64,
        /// How many rows arrived.
        target_rows: u64,
    },
    /// The source failed.
    #[error("the source failed, nothing was copied: {0}")]
    SourceFailed(#[source] DatabaseError),
    /// The target failed.
    #[error("the target failed, nothing was copied: {0}")]
    TargetFailed(#[source] DatabaseError),
}

impl Storage {
    /// Copies everything from one database to another, which must be empty and is migrated first;
    /// all or nothing. `live`: the source may be in use, as for a rehearsal. Blocks, and tells
    /// `progress` now and then how far it is.
    pub fn copy(
        from: &DatabaseUrl,
        to: &DatabaseUrl,
        live: bool,
        progress: &mut dyn FnMut(CopyProgress),
    ) -> Result<CopyReport, CopyError> {
        if ends::are_one_file(from, to) {
            return Err(CopyError::SameDatabase);
        }
        let source = Source::open(from, live)?;
        let mut target = Target::open(to)?;
        let copied = copy_all(source, &mut target, progress);
        if copied.is_err() {
            target.discard();
        }
        copied
    }
}

fn copy_all(
    mut source: Source,
    target: &mut Target,
    progress: &mut dyn FnMut(CopyProgress),
) -> Result<CopyReport, CopyError> {
    if source.is_the_database_of(target)? {
        return Err(CopyError::SameDatabase);
    }
    target.prepare()?;
    let mut copy = Copy {
        progress: CopyProgress {
            table: Users::NAME,
            copied: 0,
            total: source.rows()?,
        },
        source: &mut source,
        target,
        tell: progress,
        tables: Vec::new(),
    };
    copy.table::<Users>()?;
    copy.table::<NameReservations>()?;
    copy.table::<Keys>()?;
    copy.table::<Clients>()?;
    copy.table::<AuditEvents>()?;
    copy.table::<Sessions>()?;
    copy.heartbeat()?;
    let tables = copy.tables;
    if source.has_changed()? {
        return Err(CopyError::Changed);
    }
    target.commit()?;
    Ok(CopyReport { tables })
}

/// A copy on its way.
struct Copy<'a> {
    source: &'a mut Source,
    target: &'a mut Target,
    progress: CopyProgress,
    tell: &'a mut dyn FnMut(CopyProgress),
    tables: Vec<CopiedTable>,
}

impl Copy<'_> {
    /// Copies a table, page by page, and compares how many rows there are on both sides.
    fn table<T: Table>(&mut self) -> Result<(), CopyError> {
        self.progress.table = T::NAME;
        (self.tell)(self.progress);
        let mut last: Option<T::Row> = None;
        loop {
            let mut rows = T::page(&mut self.source.conn, last.as_ref(), PAGE)
                .map_err(CopyError::SourceFailed)?;
            if rows.is_empty() {
                break;
            }
            let written =
                T::insert(&mut self.target.conn, &rows).map_err(CopyError::TargetFailed)?;
            self.progress.copied += u64::try_from(written).unwrap_or(u64::MAX);
            (self.tell)(self.progress);
            last = rows.pop();
        }
        let there = T::count(&mut self.source.conn).map_err(CopyError::SourceFailed)?;
        let here = T::count(&mut self.target.conn).map_err(CopyError::TargetFailed)?;
        if there != here {
            return Err(CopyError::Incomplete {
                table: T::NAME,
                source_rows: there,
                target_rows: here,
            });
        }
        self.tables.push(CopiedTable {
            table: T::NAME,
            rows: here,
        });
        Ok(())
    }

    /// Copies the row of it that every database has.
    fn heartbeat(&mut self) -> Result<(), CopyError> {
        let last = feed::last_beat(&mut self.source.conn).map_err(CopyError::SourceFailed)?;
        if let Some(at) = last {
            feed::beat(&mut self.target.conn, at).map_err(CopyError::TargetFailed)?;
        }
        Ok(())
    }
}
