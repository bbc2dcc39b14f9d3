//! `renewctl key list`

use token_core::store::{KeyPurpose, KeyState, KeyStore};

use crate::args::ListKeys;
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::output::Answer;

/// Lists keys, oldest first. The probe of the master key is none.
pub fn run(which: &ListKeys, context: &Context) -> Result<Answer, Failure> {
    let mut keys = wait(context.open()?.all_keys())?;
    keys.retain(|key| {
        let is_wanted = which.all || key.state != KeyState::Retired;
        is_wanted && key.purpose != KeyPurpose::MasterCheck
    });
    Ok(Answer::Keys(keys))
}
