//! `renewctl user show`

use crate::args::UserRef;
use crate::commands::user::find;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Answer;

/// Shows an account.
pub fn run(user: &UserRef, context: &Context) -> Result<Answer, Failure> {
    let store = context.open_to_read()?;
    find(&store, &user.user).map(Answer::User)
}
