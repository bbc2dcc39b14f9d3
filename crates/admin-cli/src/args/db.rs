//! `renewctl db …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with the database.
#[derive(Debug, Subcommand)]
pub enum DbVerb {
    /// Bring the schema up to date; makes an SQLite database that does not exist yet
    Migrate,
    /// Show the version of the schema and how much is stored
    Status,
    /// Move everything to another, empty database, of either kind: nobody has to log in again
    Copy(CopyDatabase),
    /// Write an SQLite database into a new file, while the server runs
    Backup(BackupDatabase),
    /// Take over a database that was restored or copied, and end every session in it
    Restored(RestoredDatabase),
}

/// From where to where.
#[derive(Debug, Args)]
pub struct CopyDatabase {
    /// The database to copy, a file or on a server
    #[arg(long, value_name = "URL")]
    pub from: String,
    /// The empty database to fill; a file is made
    #[arg(long, value_name = "URL")]
    pub to: String,
    /// Copy although the source is in use: a rehearsal, after which whoever goes on at the source
    /// cannot go on at the target
    #[arg(long)]
    pub live: bool,
}

/// Where to.
#[derive(Debug, Args)]
pub struct BackupDatabase {
    /// The file to make; one that exists is not overwritten
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
}

/// What becomes of the sessions.
#[derive(Debug, Args)]
pub struct RestoredDatabase {
    /// Let sessions go on: only where nothing can have changed since the copy was made, as when an
    /// installation was moved while it stood still
    #[arg(long)]
    pub keep_sessions: bool,
}
