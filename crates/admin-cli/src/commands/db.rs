//! `renewctl db …`

mod backup;
mod copy;
mod migrate;
mod restored;
mod status;

use crate::args::DbVerb;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Answer;

/// Does it.
pub fn run(verb: &DbVerb, context: &Context) -> Result<Answer, Failure> {
    match verb {
        DbVerb::Migrate => migrate::run(context),
        DbVerb::Status => status::run(context),
        DbVerb::Copy(copy) => copy::run(copy, context),
        DbVerb::Backup(backup) => backup::run(backup, context),
        DbVerb::Restored(restored) => restored::run(restored, context),
    }
}
