//! A backup of the file while it is in use: one moment of it, marked as a copy.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error as DatabaseError;
use diesel::sql_types::Text;
use token_core::time::Timestamp;

use super::file;
use crate::connection::AnyConnection;
use crate::error::OpenError;
use crate::migrate;
use crate::queries::installation;
use crate::storage::Storage;
use crate::url::DatabaseUrl;

/// A backup that was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backup {
    /// How large it is.
    pub bytes: u64,
    /// Its mark: when it was made, to the second.
    pub made_at: Timestamp,
}

/// Why there is no backup.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// PostgreSQL has its own tools.
    #[error(
        "this backs up SQLite files; for PostgreSQL use `pg_dump --format=custom`, or pg_basebackup \
         with an archive of its write-ahead log"
    )]
    Server,
    /// The database cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A file of that name is there.
    #[error("{} exists already, and is not overwritten: choose another name", .0.display())]
    Exists(PathBuf),
    /// The file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Unwritable {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The database failed.
    #[error("the database failed, there is no backup: {0}")]
    Database(#[from] DatabaseError),
}

impl Storage {
    /// Writes one moment of a SQLite database into a new file, for its owner alone, while others
    /// may work on it. The file says that it is a backup, see [`crate::InstallationState`]; it has its
    /// name only once it is whole and on disk. Blocks.
    pub fn backup(url: &DatabaseUrl, to: &Path, now: Timestamp) -> Result<Backup, BackupError> {
        let from = url.sqlite_path().ok_or(BackupError::Server)?;
        if fs::symlink_metadata(to).is_ok() {
            return Err(BackupError::Exists(to.to_owned()));
        }
        let mut conn = AnyConnection::Sqlite(file::connect_alone(from, false)?);
        migrate::check(&mut conn)?;
        let made_at = now.floor_to_second();
        let unwritable = |source| BackupError::Unwritable {
            path: to.to_owned(),
            source,
        };
        let to_absolute = std::path::absolute(to).map_err(unwritable)?;
        let directory = to_absolute.parent().unwrap_or(Path::new("/"));
        // Its mode is 0600 from the beginning.
        let aside = tempfile::Builder::new()
            .prefix(".renewd-backup-")
            .tempfile_in(directory)
            .map_err(unwritable)?;
        write(&mut conn, aside.path(), made_at)?;
        let written = aside.as_file();
        written.sync_all().map_err(unwritable)?;
        let bytes = written.metadata().map_err(unwritable)?.len();
        aside
            .persist_noclobber(&to_absolute)
            .map_err(|refused| match refused.error.kind() {
                io::ErrorKind::AlreadyExists => BackupError::Exists(to.to_owned()),
                _ => unwritable(refused.error),
            })?;
        let directory = File::open(directory).map_err(unwritable)?;
        directory.sync_all().map_err(unwritable)?;
        Ok(Backup { bytes, made_at })
    }
}

/// Fills an empty file and marks it.
fn write(conn: &mut AnyConnection, path: &Path, made_at: Timestamp) -> Result<(), BackupError> {
    // SQLite takes file names as UTF-8 and nothing else.
    let name = path.to_str().ok_or_else(|| BackupError::Unwritable {
        path: path.to_owned(),
        source: io::ErrorKind::InvalidFilename.into(),
    })?;
    diesel::sql_query("VACUUM INTO ?")
        .bind::<Text, _>(name)
        .execute(conn)?;
    let mut copy = AnyConnection::Sqlite(file::connect_alone(path, false)?);
    // One file, without companions; a server that opens it goes back to a write-ahead log.
    copy.batch_execute("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;")?;
    installation::mark_as_backup(&mut copy, made_at)?;
    Ok(())
}
