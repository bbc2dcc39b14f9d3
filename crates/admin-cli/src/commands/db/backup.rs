//! `renewctl db backup`

use storage_diesel::Storage;

use crate::args::BackupDatabase;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Answer, BackedUp};

/// Writes a backup of a SQLite file, and says what is not in it.
pub fn run(backup: &BackupDatabase, context: &Context) -> Result<Answer, Failure> {
    let database = &context.settings.database;
    let made = Storage::backup(database, &backup.to, context.now())?;
    context.printer.remark(
        "the master key is not in it, and without it no password verifies: keep a copy of its file too",
    );
    Ok(Answer::BackedUp(BackedUp {
        file: backup.to.display().to_string(),
        bytes: made.bytes,
        made_at: made.made_at.to_rfc3339(),
    }))
}
