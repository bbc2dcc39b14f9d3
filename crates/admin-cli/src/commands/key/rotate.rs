//! `renewctl key rotate`

use token_core::key::life::KeyTask;
use token_core::store::KeyPurpose;

use super::change;
use crate::args::{Purpose, RotateKey};
use crate::context::Context;
use crate::failure::Failure;
use crate::hashing::key_sources;
use crate::output::Answer;

/// Makes the next key. Servers publish it at once and let it take over in its time.
pub fn run(which: &RotateKey, context: &Context) -> Result<Answer, Failure> {
    let store = context.open()?;
    let sources = key_sources(&store, context)?;
    let purpose = match which.purpose {
        Purpose::Access => KeyPurpose::Access,
        Purpose::Refresh => KeyPurpose::Refresh,
        Purpose::Pepper => KeyPurpose::Pepper,
    };
    let made = change(&store, sources, &KeyTask::Rotate(purpose), context)?;
    made.map(Answer::KeyMade).ok_or(Failure::KeysContended)
}
