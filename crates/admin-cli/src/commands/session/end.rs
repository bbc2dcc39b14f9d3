//! `renewctl session end`

use storage_diesel::Storage;
use token_core::id::SessionId;
use token_core::session::EndReason;
use token_core::store::{EndOutcome, EndSession as EndOne, EndSessionsOf, SessionStore};

use crate::args::EndSession;
use crate::commands::user::{called, find};
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::output::Answer;

/// Ends one session, or all of a user.
pub fn run(which: &EndSession, context: &Context) -> Result<Answer, Failure> {
    let consent = context.consent()?;
    let ended = match (&which.id, &which.user) {
        (Some(id), _) => {
            let id: SessionId = id.parse().map_err(Failure::value("session id is"))?;
            let store = context.open()?;
            consent.ask(&format!("End the session {id}?"))?;
            one(&store, id)?
        }
        (None, Some(user)) => {
            let store = context.open()?;
            let user = find(&store, user)?;
            consent.ask(&format!("End all sessions of {}?", called(&user)))?;
            wait(store.end_sessions_of(EndSessionsOf {
                user_id: user.id,
                except: None,
                reason: EndReason::Admin,
                now: store.clock().now(),
            }))?
        }
        (None, None) => 0,
    };
    Ok(Answer::Ended(ended))
}

/// Ending twice is no failure: what was asked for is so.
fn one(store: &Storage, id: SessionId) -> Result<u64, Failure> {
    let end = EndOne {
        id,
        of_user: None,
        reason: EndReason::Admin,
        now: store.clock().now(),
    };
    match wait(store.end_session(end))? {
        EndOutcome::Ended => Ok(1),
        EndOutcome::AlreadyEnded => Ok(0),
        EndOutcome::NotFound => Err(Failure::NoSuchSession(id)),
    }
}
