//! `renewctl user set-password`

use token_core::store::{ChangePassword, PasswordOutcome, UserStore};

use crate::args::SetPassword;
use crate::commands::user::{find, vanished};
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::hashing::hasher;
use crate::output::Answer;
use crate::password;

/// Sets a password and ends all sessions of the account.
pub fn run(change: &SetPassword, context: &Context) -> Result<Answer, Failure> {
    let store = context.open()?;
    let user = find(&store, &change.user.user)?;
    let chosen = password::choose(
        &change.password,
        context.settings.passwords,
        &password::context(&user),
        context.entropy.as_ref(),
    )?;
    // Not before the prompt: meanwhile the pepper may change.
    let hasher = hasher(&store, context)?;
    let change = ChangePassword {
        user_id: user.id,
        verified_hash: None,
        new_hash: hasher.hash_now(&chosen.password),
        fresh_session: None,
        now: store.clock().now(),
    };
    match wait(store.change_password(change))? {
        PasswordOutcome::Changed(user, _) => Ok(Answer::Done {
            verb: "set the password of",
            user: *user,
            password: chosen.generated,
        }),
        PasswordOutcome::Refused => Err(vanished(&user)),
    }
}
