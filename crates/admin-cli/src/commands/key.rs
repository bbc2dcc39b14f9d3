//! `renewctl key …`

mod backup;
mod list;
mod retire;
mod rewrap;
mod rotate;

use storage_diesel::Storage;
use token_core::key::life::KeyTask;
use token_core::key::{AccessAlgorithm, KeyPlan, KeySources};
use token_core::store::{KeyChangeOutcome, KeyPurpose, KeyState, KeyStore, StoredKey};

use crate::args::KeyVerb;
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::output::Answer;

/// How often something is tried again because a server changed the keys meanwhile.
const ATTEMPTS: u32 = 10;

/// Does it.
pub fn run(verb: &KeyVerb, context: &Context) -> Result<Answer, Failure> {
    match verb {
        KeyVerb::List(which) => list::run(which, context),
        KeyVerb::Rotate(which) => rotate::run(which, context),
        KeyVerb::Retire(which) => retire::run(which, context),
        KeyVerb::Rewrap(how) => rewrap::run(how, context),
        KeyVerb::Backup(how) => backup::run(how, context),
    }
}

/// Does a task, and gives the key that was made for it, if one was. New access keys are like those
/// that they succeed: the server's own configuration is not known here.
fn change(
    store: &Storage,
    mut sources: KeySources,
    task: &KeyTask,
    context: &Context,
) -> Result<Option<StoredKey>, Failure> {
    for _ in 0..ATTEMPTS {
        let stored = wait(store.keys())?;
        let now = store.clock().now();
        let active = find(&stored, |key| {
            key.purpose == KeyPurpose::Access && key.state == KeyState::Active
        });
        if let Some(algorithm) = active.and_then(AccessAlgorithm::of) {
            sources.access_algorithm = algorithm;
        }
        let plan = KeyPlan::new(task.clone(), &stored, now)?;
        let change = sources.carry_out(plan, context.entropy.as_ref());
        let made = change.fresh.first().cloned();
        match wait(store.change_keys(change))? {
            KeyChangeOutcome::Made(_) => return Ok(made),
            KeyChangeOutcome::Overtaken => {}
            KeyChangeOutcome::PepperInUse(users) => return Err(Failure::PepperInUse(users)),
        }
    }
    Err(Failure::KeysContended)
}

fn find(keys: &[StoredKey], fits: impl Fn(&StoredKey) -> bool) -> Option<&StoredKey> {
    keys.iter().find(|key| fits(key))
}
