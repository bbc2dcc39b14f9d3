//! `renewctl db status`

use storage_diesel::Storage;

use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::output::{Answer, InstallationJson, SessionCounts, Status};

/// Shows the version of the schema, and how much is stored where the schema is there. A database
/// that waits for its migrations is a state to report, not a failure.
pub fn run(context: &Context) -> Result<Answer, Failure> {
    let database = &context.settings.database;
    let schema = Storage::migration_status(database)?;
    let names = |applied| {
        let migrations = schema.migrations.iter();
        migrations
            .filter(move |migration| migration.applied == applied)
            .map(|migration| migration.name.clone())
    };
    let mut status = Status {
        database: database.to_string(),
        schema_version: names(true).chain(schema.unknown.iter().cloned()).last(),
        installation: None,
        pending: names(false).collect(),
        users: None,
        sessions: None,
    };
    if schema.is_current() {
        let state = Storage::installation_state(database)?;
        status.installation = Some(InstallationJson::of(&state));
        let counts = wait(context.open_to_read()?.counts(context.now()))?;
        status.users = Some(counts.users);
        status.sessions = Some(SessionCounts {
            live: counts.live_sessions,
            stored: counts.sessions,
        });
    }
    Ok(Answer::Status(status))
}
