//! `renewctl session list`

use std::collections::{BTreeMap, BTreeSet};

use token_core::id::UserId;
use token_core::session::Session;
use token_core::store::{SessionFilter, SessionStore, StoreError, UserStore};

use crate::args::ListSessions;
use crate::commands::user::find;
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::output::Answer;

/// Lists sessions, newest first.
pub fn run(which: &ListSessions, context: &Context) -> Result<Answer, Failure> {
    let store = context.open_to_read()?;
    let now = store.clock().now();
    let user = which.user.as_deref().map(|name| find(&store, name));
    let filter = SessionFilter {
        user_id: user.transpose()?.map(|user| user.id),
        live_at: (!which.all).then_some(now),
        limit: None,
    };
    let sessions = wait(store.sessions(filter))?;
    let names = if context.printer.is_table() {
        names(&store, &sessions)?
    } else {
        BTreeMap::new()
    };
    Ok(Answer::Sessions {
        sessions,
        names,
        now,
    })
}

/// What the users of these sessions are called; those deleted since have no name.
fn names(
    store: &dyn UserStore,
    sessions: &[Session],
) -> Result<BTreeMap<UserId, String>, StoreError> {
    let ids: BTreeSet<UserId> = sessions.iter().map(|session| session.user_id).collect();
    let mut names = BTreeMap::new();
    for id in ids {
        if let Some(user) = wait(store.user(id))? {
            names.insert(id, user.username.as_str().to_owned());
        }
    }
    Ok(names)
}
