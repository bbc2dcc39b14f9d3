//! The table of keys, as storage keeps it.

use token_core::id::KeyId;
use token_core::key::life::{KeyRefusal, KeyStep, KeyTask};
use token_core::store::{KeyPurpose, KeyState, KeyTimes, StoredKey};
use token_core::time::Timestamp;

/// Keys, and how many were ever made.
#[derive(Debug, Clone, Default)]
pub struct Table {
    pub keys: Vec<StoredKey>,
    made: u32,
}

impl Table {
    /// The keys that are not retired.
    pub fn live(&self) -> Vec<StoredKey> {
        let live = self.keys.iter().filter(|k| k.state != KeyState::Retired);
        live.cloned().collect()
    }

    /// Makes steps as storage does: each only where the key is where the step says. New keys have
    /// the time at which they were made, which may be long before.
    pub fn make(&mut self, steps: &[KeyStep], made: Timestamp, now: Timestamp) {
        for step in steps {
            match step {
                KeyStep::Create {
                    purpose,
                    alg,
                    state,
                } => {
                    self.made += 1;
                    let since = (*state == KeyState::Active).then_some(made);
                    self.keys.push(StoredKey {
                        kid: KeyId::from_trusted(format!("{}-{}", purpose.as_str(), self.made)),
                        purpose: *purpose,
                        alg: alg.clone(),
                        state: *state,
                        public_jwk: None,
                        sealed: vec![1],
                        master_kid: "m".to_owned(),
                        created_at: made,
                        times: KeyTimes {
                            published_at: since,
                            activated_at: since,
                            ..KeyTimes::default()
                        },
                    });
                }
                KeyStep::Publish(key) => {
                    let found = self.find(key.purpose, key.kid.as_str());
                    assert_eq!(found.times.published_at.replace(now), None);
                }
                KeyStep::Move { key, from, to } => {
                    let found = self.find(key.purpose, key.kid.as_str());
                    assert_eq!(found.state, *from);
                    found.state = *to;
                    let times = &mut found.times;
                    let time = match to {
                        KeyState::Active => &mut times.activated_at,
                        KeyState::Retiring => &mut times.retiring_at,
                        KeyState::Retired => &mut times.retired_at,
                        KeyState::Pending => panic!("no key becomes pending"),
                    };
                    *time = Some(now);
                }
            }
            self.assert_unique();
        }
    }

    /// Decides and makes.
    pub fn run(&mut self, task: &KeyTask, now: Timestamp) -> Result<(), KeyRefusal> {
        let steps = task.decide(&self.live(), now)?;
        self.make(&steps, now, now);
        Ok(())
    }

    /// The names of the keys of a purpose in a state.
    pub fn kids(&self, purpose: KeyPurpose, state: KeyState) -> Vec<&str> {
        let fits = |key: &&StoredKey| key.purpose == purpose && key.state == state;
        self.keys
            .iter()
            .filter(fits)
            .map(|key| key.kid.as_str())
            .collect()
    }

    fn find(&mut self, purpose: KeyPurpose, kid: &str) -> &mut StoredKey {
        let fits = |key: &&mut StoredKey| key.purpose == purpose && key.kid.as_str() == kid;
        self.keys.iter_mut().find(fits).unwrap()
    }

    /// What the unique indexes refuse, after whichever step.
    fn assert_unique(&self) {
        for purpose in KeyPurpose::ALL {
            for state in [KeyState::Pending, KeyState::Active] {
                assert!(self.kids(purpose, state).len() <= 1, "{:?}", self.keys);
            }
        }
    }
}
