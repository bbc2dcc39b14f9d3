//! `renewctl db restored`

use storage_diesel::Storage;

use crate::args::RestoredDatabase;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Answer;

/// Takes over a restored or copied database. The same may be done to one that nothing tells from
/// the original.
pub fn run(restored: &RestoredDatabase, context: &Context) -> Result<Answer, Failure> {
    let consent = context.consent()?;
    let database = &context.settings.database;
    let state = Storage::installation_state(database)?;
    consent.ask(&format!(
        "{database} ({state}): {}?",
        if restored.keep_sessions {
            "take it over and let its sessions go on"
        } else {
            "take it over and end every session in it"
        }
    ))?;
    let done = Storage::restored(database, restored.keep_sessions, context.now())?;
    Ok(Answer::Restored(done))
}
