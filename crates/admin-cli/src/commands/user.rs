//! `renewctl user …`

mod create;
mod delete;
mod disable;
mod enable;
mod list;
mod set_password;
mod show;

use token_core::store::UserStore;
use token_core::user::{Identifier, User};

use crate::args::UserVerb;
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::output::Answer;

/// Does it.
pub fn run(verb: &UserVerb, context: &Context) -> Result<Answer, Failure> {
    match verb {
        UserVerb::Create(new) => create::run(new, context),
        UserVerb::List => list::run(context),
        UserVerb::Show(user) => show::run(user, context),
        UserVerb::Disable(user) => disable::run(user, context),
        UserVerb::Enable(user) => enable::run(user, context),
        UserVerb::Delete(user) => delete::run(user, context),
        UserVerb::SetPassword(change) => set_password::run(change, context),
    }
}

/// Finds an account by its id, else by its name or address. The id comes first, or a user named
/// like somebody else's id could stand in for them.
pub fn find(store: &dyn UserStore, text: &str) -> Result<User, Failure> {
    let by_id = match text.parse() {
        Ok(id) => wait(store.user(id))?,
        Err(_) => None,
    };
    let found = match by_id {
        Some(user) => Some(user),
        None => wait(store.find_user(Identifier::either(text)))?,
    };
    found.ok_or_else(|| Failure::NoSuchUser(text.to_owned()))
}

/// How the account is called in a question.
pub fn called(user: &User) -> String {
    format!("{} <{}>", user.username.as_str(), user.email.as_str())
}

/// The account was there a moment ago and is not any more.
fn vanished(user: &User) -> Failure {
    Failure::NoSuchUser(user.username.as_str().to_owned())
}
