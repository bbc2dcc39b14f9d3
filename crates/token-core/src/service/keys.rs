//! The keys in use, and how they are read again.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Service;
use crate::key::{KeyRing, KeyRingError};
use crate::store::StoreError;

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

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Idle,
    Running,
    /// Done at that monotonic time.
    Done(Duration),
}

impl Service {
    /// The keys as they are at the moment.
    pub fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the keys again. If that fails, the old ones stay.
    pub async fn reload_keys(&self) -> Result<Arc<KeyRing>, ReloadError> {
        let stored = self.parts.store.keys().await?;
        let ring = Arc::new(KeyRing::open(&self.parts.keys, &stored)?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&ring);
        Ok(ring)
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
