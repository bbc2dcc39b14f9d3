//! `renewctl session …`

mod end;
mod list;

use crate::args::SessionVerb;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Answer;

/// Does it.
pub fn run(verb: &SessionVerb, context: &Context) -> Result<Answer, Failure> {
    match verb {
        SessionVerb::List(which) => list::run(which, context),
        SessionVerb::End(which) => end::run(which, context),
    }
}
