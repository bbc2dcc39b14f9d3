//! `renewctl user list`

use token_core::store::UserStore;
use token_core::user::User;

use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::output::Answer;

/// How many accounts are read at a time, so that a long list holds up no other reader.
const PAGE: u32 = 1_000;

/// Lists all accounts by name.
pub fn run(context: &Context) -> Result<Answer, Failure> {
    let store = context.open_to_read()?;
    let mut users: Vec<User> = Vec::new();
    loop {
        let after = users.last().map(|user| user.username.key().to_owned());
        let page = wait(store.users(after, PAGE))?;
        if page.is_empty() {
            return Ok(Answer::Users(users));
        }
        users.extend(page);
    }
}
