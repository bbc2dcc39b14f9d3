//! `renewctl db migrate`

use storage_diesel::Storage;

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Answer;

/// Brings the schema up to date.
pub fn run(context: &Context) -> Result<Answer, Failure> {
    context.create_directory()?;
    let applied = Storage::migrate(&context.settings.database)?;
    Ok(Answer::Migrated(applied))
}
