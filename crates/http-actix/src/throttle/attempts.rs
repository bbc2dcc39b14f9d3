//! Where the limiters keep their state: one map under one lock, so that a key can be forgotten,
//! which governor's own stores do not offer. A lock is enough: each attempt that gets through costs
//! a password hash.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;

/// The state of every key that has attempts left to get back; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Attempts(Arc<Mutex<HashMap<u64, Nanos>>>);

impl Attempts {
    /// Gives a key all its attempts back.
    pub(super) fn forget(&self, key: u64) {
        self.lock().remove(&key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Nanos>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for Attempts {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut states = self.lock();
        let (outcome, state) = f(states.get(key).copied())?;
        states.insert(*key, state);
        Ok(outcome)
    }
}

impl ShrinkableKeyedStateStore<u64> for Attempts {
    fn retain_recent(&self, drop_below: Nanos) {
        let mut states = self.lock();
        states.retain(|_, state| *state > drop_below);
        states.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.lock().len()
    }

    fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }
}
