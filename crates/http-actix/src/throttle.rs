//! Slows password guessing down: a bucket of attempts for each account, and a larger one for each
//! address.
//!
//! Both are counted before a password is hashed, so that many guesses at once count like many in a
//! row. What is counted is kept in memory: a restart forgets it, and each node counts for itself.

mod attempts;

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::{Quota, RateLimiter};
use token_core::throttle::{AccountKey, PasswordThrottle, RetryAfter};

use self::attempts::Attempts;

/// An account: ten attempts at once, then one in ten seconds. Enough for a person and for programs
/// that log in side by side; a guesser gets 8,640 a day.
const ACCOUNT: Bucket = Bucket {
    at_once: NonZeroU32::new(10).unwrap(),
    then_every: Duration::from_secs(10),
};
/// An address, behind which there may be an office: sixty at once, then one a second.
const ADDRESS: Bucket = Bucket {
    at_once: NonZeroU32::new(60).unwrap(),
    then_every: Duration::from_secs(1),
};

struct Bucket {
    at_once: NonZeroU32,
    then_every: Duration,
}

/// A limiter by hashed key. Keyed with random bytes of this process, so that nobody can make two
/// keys meet on purpose; hashed, so that a long name costs no more memory than a short one.
type Limiter<C> = RateLimiter<u64, Attempts, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// The throttle.
pub struct Throttle<C: Clock = DefaultClock> {
    accounts: Limiter<C>,
    account_attempts: Attempts,
    addresses: Limiter<C>,
    keys: RandomState,
}

impl Throttle {
    /// Counts from now on.
    pub fn start() -> Self {
        Self::with_clock(&DefaultClock::default())
    }
}

impl<C: Clock + Clone> Throttle<C> {
    fn with_clock(clock: &C) -> Self {
        let account_attempts = Attempts::default();
        Self {
            accounts: limiter(&ACCOUNT, account_attempts.clone(), clock.clone()),
            account_attempts,
            addresses: limiter(&ADDRESS, Attempts::default(), clock.clone()),
            keys: RandomState::new(),
        }
    }

    /// Forgets whoever has a full bucket again; to be called once in a while.
    pub fn tidy(&self) {
        self.accounts.retain_recent();
        self.addresses.retain_recent();
    }
}

impl<C> PasswordThrottle for Throttle<C>
where
    C: Clock + Clone + Send + Sync,
    C::Instant: Send + Sync,
{
    /// The address first: one that is refused there can neither use up an account's attempts nor
    /// make new keys.
    fn attempt(&self, account: &AccountKey, address: Option<IpAddr>) -> Result<(), RetryAfter> {
        if let Some(address) = address {
            take(&self.addresses, self.keys.hash_one(network(address)))?;
        }
        take(&self.accounts, self.keys.hash_one(account))
    }

    fn succeeded(&self, account: &AccountKey) {
        self.account_attempts.forget(self.keys.hash_one(account));
    }
}

fn take<C: Clock>(limiter: &Limiter<C>, key: u64) -> Result<(), RetryAfter> {
    limiter.check_key(&key).map_err(|refused| {
        let wait = refused.wait_time_from(limiter.clock().now());
        RetryAfter(whole_seconds(wait))
    })
}

fn limiter<C: Clock>(bucket: &Bucket, attempts: Attempts, clock: C) -> Limiter<C> {
    let quota = Quota::with_period(bucket.then_every)
        .unwrap_or(Quota::per_second(NonZeroU32::MIN))
        .allow_burst(bucket.at_once);
    RateLimiter::new(quota, attempts, clock)
}

/// What one subscriber has: an IPv4 address, or a /64 of IPv6 (RFC 6177 §2).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(
            address.to_bits() & !u128::from(u64::MAX),
        )),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// `Retry-After` has no fractions (RFC 9110 §10.2.3); too early would be refused again.
fn whole_seconds(wait: Duration) -> Duration {
    let up = u64::from(wait.subsec_nanos() > 0);
    Duration::from_secs(wait.as_secs().saturating_add(up).max(1))
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use token_core::user::Identifier;

    use super::*;

    fn account(name: &str) -> AccountKey {
        AccountKey::Unknown(Identifier::either(name))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn throttle() -> (FakeRelativeClock, Throttle<FakeRelativeClock>) {
        let clock = FakeRelativeClock::default();
        let throttle = Throttle::with_clock(&clock);
        (clock, throttle)
    }

    fn refused(seconds: u64) -> Result<(), RetryAfter> {
        Err(RetryAfter(Duration::from_secs(seconds)))
    }

    /// S87 S88 S89: ten at once, whatever the spelling and wherever from, then one in ten seconds.
    #[test]
    fn an_account_has_so_many_attempts() {
        let (clock, throttle) = throttle();
        for n in 0..10 {
            let from = Some(address(&format!("192.0.2.{n}")));
            let name = if n % 2 == 0 { "alice" } else { " ALICE" };
            assert_eq!(throttle.attempt(&account(name), from), Ok(()), "{n}");
        }
        assert_eq!(throttle.attempt(&account("Alice"), None), refused(10));
        assert_eq!(throttle.attempt(&account("bob"), None), Ok(()));
        clock.advance(Duration::from_millis(500));
        assert_eq!(throttle.attempt(&account("alice"), None), refused(10));
        clock.advance(Duration::from_millis(9_500));
        assert_eq!(throttle.attempt(&account("alice"), None), Ok(()));
        assert_eq!(throttle.attempt(&account("alice"), None), refused(10));
    }

    #[test]
    fn a_right_password_starts_the_account_anew() {
        let (_, throttle) = throttle();
        for _ in 0..3 {
            for _ in 0..10 {
                assert_eq!(throttle.attempt(&account("alice"), None), Ok(()));
            }
            assert!(throttle.attempt(&account("alice"), None).is_err());
            throttle.succeeded(&account("alice"));
        }
    }

    /// S91: an address, a whole /64 of IPv6, has more attempts; a right password gives none back.
    #[test]
    fn an_address_has_so_many_attempts() {
        for addresses in [
            ["192.0.2.7", "192.0.2.7", "::ffff:192.0.2.7"],
            ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:0:0:1"],
        ] {
            let (clock, throttle) = throttle();
            for n in 0..60_usize {
                let name = account(&n.to_string());
                let from = Some(address(addresses[n % 3]));
                assert_eq!(throttle.attempt(&name, from), Ok(()), "{n}");
                throttle.succeeded(&name);
            }
            assert_eq!(
                throttle.attempt(&account("x"), Some(address(addresses[2]))),
                refused(1)
            );
            let neighbour = Some(address("2001:db8:0:1::1"));
            assert_eq!(throttle.attempt(&account("x"), neighbour), Ok(()));
            clock.advance(Duration::from_secs(1));
            assert_eq!(
                throttle.attempt(&account("x"), Some(address(addresses[0]))),
                Ok(())
            );
        }
    }

    /// An address that is refused does not use up the attempts of accounts.
    #[test]
    fn a_refused_address_locks_nobody_out() {
        let (_, throttle) = throttle();
        let from = Some(address("192.0.2.7"));
        for n in 0..60 {
            throttle.attempt(&account(&n.to_string()), from).unwrap();
        }
        for _ in 0..100 {
            assert!(throttle.attempt(&account("alice"), from).is_err());
        }
        assert_eq!(throttle.attempt(&account("alice"), None), Ok(()));
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let (clock, throttle) = throttle();
        for n in 0..1_000 {
            let from = Some(address(&format!("10.0.{}.{}", n / 250, n % 250)));
            throttle.attempt(&account(&n.to_string()), from).unwrap();
        }
        throttle.tidy();
        assert_eq!(
            (throttle.accounts.len(), throttle.addresses.len()),
            (1_000, 1_000)
        );
        clock.advance(Duration::from_mins(5));
        throttle.tidy();
        assert_eq!((throttle.accounts.len(), throttle.addresses.len()), (0, 0));
    }

    #[test]
    fn waiting_is_told_in_whole_seconds() {
        for (millis, seconds) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (9_999, 10)] {
            let wait = whole_seconds(Duration::from_millis(millis));
            assert_eq!(wait, Duration::from_secs(seconds));
        }
    }
}
