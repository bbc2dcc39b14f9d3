//! `renewctl user enable`

use token_core::store::UserStore;

use crate::args::UserRef;
use crate::commands::user::{find, vanished};
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::output::Answer;

/// Lets a disabled account log in again.
pub fn run(user: &UserRef, context: &Context) -> Result<Answer, Failure> {
    let store = context.open()?;
    let user = find(&store, &user.user)?;
    if !wait(store.enable_user(user.id))? {
        return Err(vanished(&user));
    }
    Ok(Answer::Done {
        verb: "enabled",
        user: wait(store.user(user.id))?.ok_or_else(|| vanished(&user))?,
        password: None,
    })
}
