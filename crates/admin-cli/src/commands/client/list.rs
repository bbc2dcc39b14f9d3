//! `renewctl client list`

use token_core::store::ClientStore;

use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::output::Answer;

/// Lists all clients, oldest first.
pub fn run(context: &Context) -> Result<Answer, Failure> {
    let store = context.open()?;
    Ok(Answer::Clients(wait(store.clients())?))
}
