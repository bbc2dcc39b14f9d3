//! `renewctl key retire`

use token_core::id::KeyId;
use token_core::key::life::KeyTask;
use token_core::store::{KeyPurpose, KeyState, KeyStore, StoredKey};

use super::{change, find};
use crate::args::RetireKey;
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::hashing::key_sources;
use crate::output::Answer;

/// Refuses a key from now on, and lets another one take over at once where it was the active one.
pub fn run(which: &RetireKey, context: &Context) -> Result<Answer, Failure> {
    let consent = context.consent()?;
    let store = context.open()?;
    let sources = key_sources(&store, context)?;
    let kid = KeyId::from_trusted(which.kid.clone());
    let task = KeyTask::Retire(kid.clone());
    let stored = wait(store.keys())?;
    // Refused before anything is asked.
    task.decide(&stored, store.clock().now())?;
    let Some(old) = find(&stored, |key| key.kid == kid) else {
        return Err(Failure::KeysContended);
    };
    consent.ask(&question(old))?;
    change(&store, sources, &task, context)?;
    let now = wait(store.keys())?;
    let successor = find(&now, |key| {
        key.purpose == old.purpose && key.state == KeyState::Active
    });
    Ok(Answer::KeyRetired {
        retired: old.clone(),
        successor: successor.cloned(),
    })
}

fn question(key: &StoredKey) -> String {
    let kid = &key.kid;
    match key.purpose {
        KeyPurpose::Access => {
            format!("Retire the access key {kid}? Every token that it signed is refused at once.")
        }
        KeyPurpose::Refresh => {
            format!("Retire the refresh key {kid}? Every session that last used it is lost.")
        }
        KeyPurpose::Pepper | KeyPurpose::MasterCheck => format!("Retire the pepper {kid}?"),
    }
}
