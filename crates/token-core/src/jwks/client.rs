//! Keeps an issuer's keys, and decides when to ask for them again.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;

use super::{FetchError, FetchedJwks, JwksFetch};
use crate::key::{InvalidJwks, VerificationKeys};
use crate::store::BoxFuture;
use crate::time::Clock;

/// How long a set is kept whose publisher did not say.
const USUAL_MAX_AGE: Duration = Duration::from_mins(5);
/// The least time between two fetches, whatever the publisher and the policy say.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
/// The longest a set is kept without asking for it again: a key that its issuer retires in an
/// emergency must not live on here because a cache header was generous.
const LONGEST_MAX_AGE: Duration = Duration::from_hours(1);
/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How patient a [`JwksClient`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JwksPolicy {
    /// How long the last good set may be used while no other can be had. Then nothing is verified
    /// any more. One hour by default: four times as long as renewd's access tokens live, so that
    /// whoever still has one can use it up.
    pub max_stale: Duration,
    /// The pause between two fetches that unknown key names cause. They may be anything, and
    /// strangers choose them. Five seconds by default.
    pub cool_down: Duration,
}

impl Default for JwksPolicy {
    fn default() -> Self {
        Self {
            max_stale: Duration::from_hours(1),
            cool_down: Duration::from_secs(5),
        }
    }
}

/// No key set is known that may be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the issuer's keys are not known")]
pub struct NoKeys;

/// A fetch brought nothing that can be used. The keys in use stay as they were.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefreshError {
    /// The set could not be had.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// What came is no usable set.
    #[error(transparent)]
    Set(#[from] InvalidJwks),
}

/// The keys of one issuer. A clone shares them.
#[derive(Clone)]
pub struct JwksClient(Arc<Inner>);

/// A fetch under way, which any number of callers await. One that goes away leaves it to the rest.
type Flight = Shared<BoxFuture<'static, Result<(), RefreshError>>>;

struct Inner {
    fetch: Arc<dyn JwksFetch>,
    clock: Arc<dyn Clock>,
    policy: JwksPolicy,
    state: Mutex<State>,
}

/// All times are of the monotonic clock.
#[derive(Default)]
struct State {
    good: Option<Good>,
    flight: Option<Flight>,
    /// When the last fetch ended, however it did.
    ended_at: Option<Duration>,
    /// How many have failed since the last good one.
    failures: u32,
}

/// A set that can be used.
struct Good {
    keys: Arc<VerificationKeys>,
    /// When it was asked for: it is at least as new as that.
    asked_at: Duration,
    fresh_for: Duration,
}

/// What to do about a key that is missing.
enum Plan {
    Have(Arc<VerificationKeys>),
    Ask(Flight),
    Missing,
    Unreachable,
}

impl JwksClient {
    /// Nothing is fetched before it is asked to.
    pub fn new(fetch: Arc<dyn JwksFetch>, clock: Arc<dyn Clock>, policy: JwksPolicy) -> Self {
        Self(Arc::new(Inner {
            fetch,
            clock,
            policy,
            state: Mutex::default(),
        }))
    }

    /// The keys to verify with, from memory.
    pub fn keys(&self) -> Result<Arc<VerificationKeys>, NoKeys> {
        let now = self.0.clock.monotonic();
        let state = self.0.lock();
        state.usable(now, &self.0.policy).ok_or(NoKeys)
    }

    /// Fetches the set now, or waits for the fetch that is under way: there is never more than one.
    pub async fn refresh(&self) -> Result<(), RefreshError> {
        let flight = self.flight(&mut self.0.lock());
        flight.await
    }

    /// How long [`Self::refresh`] can wait: until the set in use nears the end of the time that its
    /// publisher gave it, and after a failure a pause that grows with every further one.
    pub fn refresh_due_in(&self) -> Duration {
        let now = self.0.clock.monotonic();
        let state = self.0.lock();
        let due = match (&state.good, state.ended_at) {
            (_, Some(ended_at)) if state.failures > 0 => {
                let doublings = (state.failures - 1).min(16);
                let pause = state.pause(&self.0.policy) * (1 << doublings);
                ended_at + pause.min(LONGEST_PAUSE)
            }
            // Early enough that one failure is made good before its time has passed.
            (Some(good), _) => good.asked_at + good.fresh_for * 3 / 4,
            (None, _) => now,
        };
        due.saturating_sub(now)
    }

    /// The keys among which one may be that is not among those `used`: others if they have changed
    /// since, or what the issuer publishes at this moment. `None` if that was looked up within the
    /// cool-down, so that the key does not exist. An error if it cannot be told.
    pub async fn look_again(
        &self,
        used: Option<&Arc<VerificationKeys>>,
    ) -> Result<Option<Arc<VerificationKeys>>, NoKeys> {
        match self.plan(used) {
            Plan::Have(keys) => Ok(Some(keys)),
            Plan::Missing => Ok(None),
            Plan::Unreachable => Err(NoKeys),
            Plan::Ask(flight) => {
                flight.await.map_err(|_| NoKeys)?;
                self.keys().map(Some)
            }
        }
    }

    fn plan(&self, used: Option<&Arc<VerificationKeys>>) -> Plan {
        let now = self.0.clock.monotonic();
        let mut state = self.0.lock();
        let others = state
            .usable(now, &self.0.policy)
            .filter(|keys| used.is_none_or(|used| !Arc::ptr_eq(used, keys)));
        if let Some(keys) = others {
            return Plan::Have(keys);
        }
        let pause = state.pause(&self.0.policy);
        let rests = state
            .ended_at
            .is_some_and(|ended_at| now.saturating_sub(ended_at) < pause);
        match (rests, state.failures) {
            _ if state.flight.is_some() => Plan::Ask(self.flight(&mut state)),
            (true, 0) => Plan::Missing,
            (true, _) => Plan::Unreachable,
            (false, _) => Plan::Ask(self.flight(&mut state)),
        }
    }

    /// The fetch that is under way, or a new one.
    fn flight(&self, state: &mut State) -> Flight {
        if let Some(flight) = &state.flight {
            return flight.clone();
        }
        let fetch = Arc::clone(&self.0.fetch);
        let asked_at = self.0.clock.monotonic();
        // The state owns the flight, so the flight must not own the state.
        let inner = Arc::downgrade(&self.0);
        let flight = async move {
            let fetched = fetch.fetch().await;
            Weak::upgrade(&inner).map_or(Ok(()), |inner| inner.take(asked_at, fetched))
        };
        let flight = flight.boxed().shared();
        state.flight = Some(flight.clone());
        flight
    }
}

impl Inner {
    /// A fetch has ended. Only a set that can be used replaces the one in use.
    fn take(
        &self,
        asked_at: Duration,
        fetched: Result<FetchedJwks, FetchError>,
    ) -> Result<(), RefreshError> {
        let read = fetched.map_err(RefreshError::from).and_then(|fetched| {
            let keys = VerificationKeys::from_jwks(&fetched.document)?;
            Ok((keys, fetched.max_age.unwrap_or(USUAL_MAX_AGE)))
        });
        let mut state = self.lock();
        state.flight = None;
        state.ended_at = Some(self.clock.monotonic());
        match read {
            Ok((keys, max_age)) => {
                state.failures = 0;
                state.good = Some(Good {
                    keys: Arc::new(keys),
                    asked_at,
                    fresh_for: max_age
                        .min(LONGEST_MAX_AGE)
                        .min(self.policy.max_stale)
                        .max(LEAST_PAUSE),
                });
                Ok(())
            }
            Err(error) => {
                state.failures = state.failures.saturating_add(1);
                Err(error)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn usable(&self, now: Duration, policy: &JwksPolicy) -> Option<Arc<VerificationKeys>> {
        let good = self.good.as_ref()?;
        (now.saturating_sub(good.asked_at) <= policy.max_stale).then(|| Arc::clone(&good.keys))
    }

    /// The pause after a fetch: never longer than the publisher keeps a set, since keys may change
    /// as often as that.
    fn pause(&self, policy: &JwksPolicy) -> Duration {
        let fresh_for = self
            .good
            .as_ref()
            .map_or(USUAL_MAX_AGE, |good| good.fresh_for);
        policy.cool_down.min(fresh_for).max(LEAST_PAUSE)
    }
}

impl fmt::Debug for JwksClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwksClient")
            .field("policy", &self.0.policy)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
