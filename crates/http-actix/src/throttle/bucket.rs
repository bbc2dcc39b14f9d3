//! Buckets of one size, one for each key.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::{Quota, RateLimiter};
use token_core::throttle::RetryAfter;

use super::attempts::Attempts;

/// How many attempts a bucket has, and how fast they come back.
pub(super) struct Size {
    pub(super) at_once: NonZeroU32,
    pub(super) then_every: Duration,
}

/// The buckets; a key that was never seen has a full one.
pub(super) struct Buckets<C: Clock> {
    limiter: RateLimiter<u64, Attempts, C, NoOpMiddleware<C::Instant>>,
    attempts: Attempts,
}

impl<C: Clock> Buckets<C> {
    pub(super) fn new(size: &Size, clock: C) -> Self {
        let quota = Quota::with_period(size.then_every)
            .unwrap_or(Quota::per_second(NonZeroU32::MIN))
            .allow_burst(size.at_once);
        let attempts = Attempts::default();
        Self {
            limiter: RateLimiter::new(quota, attempts.clone(), clock),
            attempts,
        }
    }

    /// Takes an attempt out of a bucket, or says when there will be one.
    pub(super) fn take(&self, key: u64) -> Result<(), RetryAfter> {
        self.limiter.check_key(&key).map_err(|refused| {
            let wait = refused.wait_time_from(self.limiter.clock().now());
            RetryAfter(whole_seconds(wait))
        })
    }

    /// Fills a bucket.
    pub(super) fn forget(&self, key: u64) {
        self.attempts.forget(key);
    }

    /// Forgets the buckets that are full again.
    pub(super) fn tidy(&self) {
        self.limiter.retain_recent();
    }

    /// How many buckets are not known to be full.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.limiter.len()
    }
}

/// `Retry-After` has no fractions (RFC 9110 §10.2.3); too early would be refused again.
fn whole_seconds(wait: Duration) -> Duration {
    let up = u64::from(wait.subsec_nanos() > 0);
    Duration::from_secs(wait.as_secs().saturating_add(up).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_told_in_whole_seconds() {
        for (millis, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (9_999, 10)] {
            let wait = whole_seconds(Duration::from_millis(millis));
            assert_eq!(wait, Duration::from_secs(seconds));
        }
    }
}
