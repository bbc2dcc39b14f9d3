//! `renewctl user delete`

use token_core::store::{DeleteUser, NameReservation, UserStore};

use crate::args::UserRef;
use crate::commands::user::{called, find, vanished};
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::output::Answer;

/// Deletes an account and ends its sessions. Its names stay reserved while access tokens that
/// bear them may still be accepted somewhere.
pub fn run(user: &UserRef, context: &Context) -> Result<Answer, Failure> {
    let consent = context.consent()?;
    let store = context.open()?;
    let user = find(&store, &user.user)?;
    consent.ask(&format!("Delete {} for good?", called(&user)))?;
    let now = store.clock().now();
    let delete = DeleteUser {
        user_id: user.id,
        verified_hash: None,
        reservation: NameReservation {
            until: now.plus(context.settings.token_retention),
        },
        now,
    };
    if !wait(store.delete_user(delete))? {
        return Err(vanished(&user));
    }
    Ok(Answer::Done {
        verb: "deleted",
        user,
        password: None,
    })
}
