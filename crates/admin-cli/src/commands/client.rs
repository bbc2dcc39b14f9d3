//! `renewctl client …`

mod create;
mod delete;
mod list;

use crate::args::ClientVerb;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Answer;

/// Does it.
pub fn run(verb: &ClientVerb, context: &Context) -> Result<Answer, Failure> {
    match verb {
        ClientVerb::Create(new) => create::run(new, context),
        ClientVerb::List => list::run(context),
        ClientVerb::Delete(client) => delete::run(client, context),
    }
}
