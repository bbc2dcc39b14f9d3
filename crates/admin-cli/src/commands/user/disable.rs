//! `renewctl user disable`

use token_core::store::UserStore;

use crate::args::UserRef;
use crate::commands::user::{called, find, vanished};
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::output::Answer;

/// Disables an account and ends its sessions.
pub fn run(user: &UserRef, context: &Context) -> Result<Answer, Failure> {
    let consent = context.consent()?;
    let store = context.open()?;
    let user = find(&store, &user.user)?;
    consent.ask(&format!("Disable {} and end all sessions?", called(&user)))?;
    if !wait(store.disable_user(user.id, store.clock().now()))? {
        return Err(vanished(&user));
    }
    Ok(Answer::Done {
        verb: "disabled",
        user: wait(store.user(user.id))?.ok_or_else(|| vanished(&user))?,
        password: None,
    })
}
