//! The keys in use, and how they are read again.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use super::{Parts, Service, StartError};
use crate::id::KeyId;
use crate::key::life::{self, KeyLife, KeyTask};
use crate::key::{KeyPlan, KeyRing, KeyRingError};
use crate::store::{KeyChange, KeyChangeOutcome, KeyPurpose, KeyState, StoreError, StoredKey};
use crate::time::{Lifetime, Timestamp};
use crate::token::jws::Compact;

/// Strangers can name keys that do not exist; they cause one look at storage in this time.
const COOL_DOWN: Duration = Duration::from_secs(1);

/// Why the keys could not be read again.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stored keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// They are being read at this moment.
    #[error("the keys are being read again")]
    Running,
}

/// Reading again because of a token that names an unknown key.
#[derive(Debug, Default)]
pub(super) struct Reload(Mutex<State>);

/// Until when a refresh key that might be retired is needed, as far as that was looked up.
#[derive(Debug, Default)]
pub(super) struct Needed(Mutex<Option<Timestamp>>);

/// The names of access keys that signed once and are refused now.
#[derive(Debug, Default)]
pub(super) struct Retired(RwLock<HashSet<KeyId>>);

/// Which reading of the keys is the newest that was taken over: they may overtake each other.
#[derive(Debug, Default)]
pub(super) struct Readings {
    begun: AtomicU64,
    newest: Mutex<u64>,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Idle,
    Running,
    /// Done at that monotonic time.
    Done(Duration),
}

/// When it is looked up again whether a refresh key is needed, if that failed.
const LOOK_AGAIN: Duration = Duration::from_hours(1);

/// How often a change is decided again because other processes changed the keys meanwhile.
const ATTEMPTS: u32 = 10;

/// How long keys live, as far as the operator decides.
#[derive(Debug, Clone, Copy)]
pub struct KeySettings {
    /// How long an access key signs before the next one takes over; `None`: until it is told.
    pub rotation: Option<Lifetime>,
    /// How long verifiers may keep the published keys without asking again.
    pub jwks_max_age: Lifetime,
}

impl KeySettings {
    /// How long an access key signs at the least: its successor is published that long before.
    pub fn least_rotation(&self) -> Lifetime {
        let waits = life::lead_after(self.jwks_max_age.as_duration());
        Lifetime::from_seconds(u32::try_from(waits.as_secs()).unwrap_or(u32::MAX))
    }
}

/// A change of the keys that is due, decided and not prepared yet.
#[derive(Debug)]
pub struct KeysDue(KeyPlan);

impl Service {
    /// The keys as they are at the moment.
    pub fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// How long verifiers may keep the published keys without asking again.
    pub const fn jwks_max_age(&self) -> Lifetime {
        self.parts.key_settings.jwks_max_age
    }

    /// Reads the keys again. If that fails, the old ones stay.
    pub async fn reload_keys(&self) -> Result<Arc<KeyRing>, ReloadError> {
        self.read_keys().await.map(|(_, ring)| ring)
    }

    /// Comes when [`Self::keys_due`] may find something new, where storage is told so; elsewhere
    /// never.
    pub async fn keys_may_have_changed(&self) {
        self.parts.store.keys_changed().await;
    }

    /// Reads the keys again and says what is to be done with them now, if anything is. To be
    /// called again and again, and at once after each [`Self::change_keys`].
    pub async fn keys_due(&self) -> Result<Option<KeysDue>, ReloadError> {
        let (stored, _) = self.read_keys().await?;
        // After the keys were read: each of them was committed before this moment.
        let now = self.now();
        let mut life = self.key_life();
        let mut due = KeyPlan::new(KeyTask::Due(life), &stored, now);
        let retired = due.as_ref().map(KeyPlan::retired_refresh_keys);
        let retired = retired.unwrap_or_default();
        if !retired.is_empty() {
            let store = &self.parts.store;
            let needed = store.refresh_keys_needed_until(retired, now).await;
            // What cannot be found out is looked up later; everything else goes on.
            let needed = needed.unwrap_or_else(|_| Some(now.plus(LOOK_AGAIN)));
            self.needed.set(needed);
            life.refresh_needed_until = needed;
            due = KeyPlan::new(KeyTask::Due(life), &stored, now);
        }
        // Nothing that is due is ever refused.
        let plan = due.ok().filter(|plan| !plan.is_empty());
        Ok(plan.map(KeysDue))
    }

    /// Makes the keys that are needed. With RSA this takes up to seconds of a core, and belongs on
    /// a thread that serves nobody else.
    pub fn prepare_keys(&self, due: KeysDue) -> KeyChange {
        let KeysDue(plan) = due;
        self.parts.keys.carry_out(plan, self.parts.entropy.as_ref())
    }

    /// Makes the change, unless other processes were faster, and goes on with the keys that are
    /// there then.
    pub async fn change_keys(&self, change: KeyChange) -> Result<(), ReloadError> {
        match self.parts.store.change_keys(change).await? {
            KeyChangeOutcome::Made(stored) => {
                let reading = self.readings.begin();
                self.take_over(reading, &stored).map(drop)
            }
            KeyChangeOutcome::Overtaken | KeyChangeOutcome::PepperInUse(_) => Ok(()),
        }
    }

    /// Whether a token says that a key signed it which is refused by now.
    pub(super) fn names_retired_key(&self, token: &str) -> bool {
        let compact = Compact::parse(token).ok();
        let kid = compact.as_ref().and_then(Compact::kid);
        kid.is_some_and(|kid| self.retired.contains(kid))
    }

    /// Reads the keys, and goes on with them.
    async fn read_keys(&self) -> Result<(Vec<StoredKey>, Arc<KeyRing>), ReloadError> {
        let reading = self.readings.begin();
        let stored = self.parts.store.keys().await?;
        let ring = self.take_over(reading, &stored)?;
        Ok((stored, ring))
    }

    /// Goes on with these keys, unless a later reading is known already.
    fn take_over(&self, reading: u64, stored: &[StoredKey]) -> Result<Arc<KeyRing>, ReloadError> {
        let mut newest = self.readings.newest();
        let old = self.keys();
        if reading < *newest {
            return Ok(old);
        }
        *newest = reading;
        if old.is_of(stored) {
            return Ok(old);
        }
        self.retired.add(&old, stored);
        let ring = match KeyRing::open(&self.parts.keys, stored) {
            Ok(ring) => Arc::new(ring),
            Err(error) => {
                if let Some(ring) = old.without_retired(stored) {
                    *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
                }
                return Err(error.into());
            }
        };
        // First, so that no hash is written with a pepper that this process cannot verify.
        self.parts.hashing.use_peppers(Arc::clone(ring.peppers()));
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&ring);
        Ok(ring)
    }

    fn key_life(&self) -> KeyLife {
        let Parts {
            keys, key_settings, ..
        } = &self.parts;
        let access = keys.access_secret.is_none();
        KeyLife {
            access: access.then(|| keys.access_algorithm.as_str()),
            refresh: keys.refresh_secret.is_none(),
            rotation: key_settings.rotation.map(Lifetime::as_duration),
            jwks_max_age: key_settings.jwks_max_age.as_duration(),
            access_lifetime: self.policy.access_lifetime.as_duration(),
            session_max_age: self.policy.max_age.as_duration(),
            refresh_needed_until: self.needed.get(),
        }
    }

    /// Reads the keys again because a token names one that is not known: one reader at a time, and
    /// none shortly after another, since what names the key may be anything. While that is under
    /// way, or when it fails, nothing can be said of the token.
    pub(super) async fn reload_keys_if_due(
        &self,
        keys: Arc<KeyRing>,
    ) -> Result<Arc<KeyRing>, ReloadError> {
        let monotonic = self.parts.clock.monotonic();
        let Some(running) = self.reload.begin(monotonic)? else {
            return Ok(keys);
        };
        let ring = self.reload_keys().await?;
        running.done(monotonic);
        Ok(ring)
    }
}

/// Sees to it that the key of the configured algorithm is on its way, if it is not there already.
/// Asked at the start alone: nodes that run with different algorithms, while one after the other is
/// given the new one, do not undo each other's choice again and again.
pub(super) async fn switch_algorithm(
    parts: &Parts,
    mut stored: Vec<StoredKey>,
) -> Result<Vec<StoredKey>, StartError> {
    let task = KeyTask::Algorithm(parts.keys.access_algorithm.as_str());
    for _ in 0..ATTEMPTS {
        let now = parts.clock.now();
        // Never refused.
        let plan = KeyPlan::new(task.clone(), &stored, now).ok();
        let Some(plan) = plan.filter(|plan| !plan.is_empty()) else {
            break;
        };
        let change = parts.keys.carry_out(plan, parts.entropy.as_ref());
        stored = match parts.store.change_keys(change).await? {
            KeyChangeOutcome::Made(stored) => stored,
            KeyChangeOutcome::Overtaken | KeyChangeOutcome::PepperInUse(_) => {
                parts.store.keys().await?
            }
        };
    }
    Ok(stored)
}

impl Needed {
    fn get(&self) -> Option<Timestamp> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, until: Option<Timestamp>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

impl Retired {
    /// Those among all keys that ever were.
    pub(super) fn among(keys: &[StoredKey]) -> Self {
        let retired = keys
            .iter()
            .filter(|key| key.purpose == KeyPurpose::Access && key.state == KeyState::Retired);
        Self(RwLock::new(retired.map(|key| key.kid.clone()).collect()))
    }

    /// Adds those that are not there any more.
    fn add(&self, old: &KeyRing, stored: &[StoredKey]) {
        let is_there = |kid: &&KeyId| stored.iter().any(|key| key.kid == **kid);
        let gone = old.access_kids().filter(|kid| !is_there(kid));
        let mut retired = self.0.write().unwrap_or_else(PoisonError::into_inner);
        retired.extend(gone.cloned());
    }

    fn contains(&self, kid: &str) -> bool {
        let retired = self.0.read().unwrap_or_else(PoisonError::into_inner);
        retired.contains(&KeyId::from_trusted(kid.to_owned()))
    }
}

impl Readings {
    fn begin(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::Relaxed)
    }

    /// While it is held, no other reading is taken over.
    fn newest(&self) -> MutexGuard<'_, u64> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reload {
    /// `None` if it was done a moment ago.
    fn begin(&self, monotonic: Duration) -> Result<Option<Running<'_>>, ReloadError> {
        let mut state = self.lock();
        match *state {
            State::Running => return Err(ReloadError::Running),
            State::Done(at) if monotonic.saturating_sub(at) < COOL_DOWN => return Ok(None),
            State::Done(_) | State::Idle => {}
        }
        *state = State::Running;
        Ok(Some(Running(self)))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reload under way. Dropped before it is done (an error, a caller that went away), it leaves
/// the way free for the next one.
struct Running<'a>(&'a Reload);

impl Running<'_> {
    fn done(self, monotonic: Duration) {
        *self.0.lock() = State::Done(monotonic);
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if matches!(*state, State::Running) {
            *state = State::Idle;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn one_reload_at_a_time_and_none_shortly_after() {
        let reload = Reload::default();
        let running = reload.begin(SECOND).unwrap().unwrap();
        assert!(matches!(reload.begin(SECOND), Err(ReloadError::Running)));
        running.done(SECOND);
        assert!(
            reload
                .begin(SECOND + Duration::from_micros(999_999))
                .unwrap()
                .is_none()
        );
        assert!(reload.begin(SECOND * 2).unwrap().is_some());
    }

    #[test]
    fn a_failed_reload_leaves_the_way_free() {
        let reload = Reload::default();
        drop(reload.begin(SECOND).unwrap());
        assert!(reload.begin(SECOND).unwrap().is_some());
    }
}
