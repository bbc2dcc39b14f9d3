//! Slows password guessing down, and keeps hashing from being asked for without end.
//!
//! An attempt passes three buckets, the cheapest to refuse first: that of its address, that of the
//! account as seen from that network, and that of the account as seen from everywhere. The second
//! is tight and stops a guesser without stopping the account's owner, who is elsewhere; the third
//! is wide and bounds what many networks can do together.
//!
//! All are counted before a password is hashed, so that many guesses at once count like many in a
//! row. What is counted is kept in memory: a restart forgets it, and each node counts for itself.

mod attempts;
mod bucket;

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use token_core::throttle::{AccountKey, PasswordThrottle, RetryAfter};

use self::bucket::{Buckets, Size};

/// An address, behind which there may be an office: sixty at once, then one a second.
const ADDRESS: Size = Size {
    at_once: NonZeroU32::new(60).unwrap(),
    then_every: Duration::from_secs(1),
};
/// An account from one network: ten attempts at once, then one in ten seconds. Enough for a person
/// and for programs that log in side by side; a guesser gets 8,640 a day.
const TIGHT: Size = Size {
    at_once: NonZeroU32::new(10).unwrap(),
    then_every: Duration::from_secs(10),
};
/// An account from everywhere: a hundred at once (NIST SP 800-63B-4 §3.2.2), then one in five
/// seconds, so that any number of networks together get 17,280 a day. It fills twice as fast as one
/// network can empty it: slower, and a single guesser who never stops would keep it empty, and the
/// owner out.
const WIDE: Size = Size {
    at_once: NonZeroU32::new(100).unwrap(),
    then_every: Duration::from_secs(5),
};

/// Wrong secrets of clients from one network: a hundred at once, then one in ten seconds.
const SECRET: Size = Size {
    at_once: NonZeroU32::new(100).unwrap(),
    then_every: Duration::from_secs(10),
};

/// The throttle.
pub struct Throttle<C: Clock = DefaultClock> {
    addresses: Buckets<C>,
    tight: Buckets<C>,
    wide: Buckets<C>,
    secrets: Buckets<C>,
    /// Random bytes of this process, so that nobody can make two keys meet on purpose; and keys are
    /// hashed, so that a long name costs no more memory than a short one.
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
        Self {
            addresses: Buckets::new(&ADDRESS, clock.clone()),
            tight: Buckets::new(&TIGHT, clock.clone()),
            wide: Buckets::new(&WIDE, clock.clone()),
            secrets: Buckets::new(&SECRET, clock.clone()),
            keys: RandomState::new(),
        }
    }
}

impl<C: Clock> Throttle<C> {
    /// Forgets whoever has a full bucket again; to be called once in a while.
    pub fn tidy(&self) {
        for buckets in [&self.addresses, &self.tight, &self.wide, &self.secrets] {
            buckets.tidy();
        }
    }

    fn of_address(&self, address: Option<IpAddr>) -> Result<(), RetryAfter> {
        address.map_or(Ok(()), |address| {
            self.addresses.take(self.keys.hash_one(network(address)))
        })
    }

    fn tight_key(&self, account: &AccountKey, address: Option<IpAddr>) -> u64 {
        self.keys.hash_one((account, address.map(network)))
    }
}

impl<C> PasswordThrottle for Throttle<C>
where
    C: Clock + Send + Sync,
    C::Instant: Send + Sync,
{
    /// Whatever refuses an attempt keeps it from the buckets behind: an address that is refused can
    /// neither use up an account's attempts nor make new keys, and a guesser in one network never
    /// uses up what the account has elsewhere.
    fn attempt(&self, account: &AccountKey, address: Option<IpAddr>) -> Result<(), RetryAfter> {
        self.of_address(address)?;
        self.tight.take(self.tight_key(account, address))?;
        self.wide.take(self.keys.hash_one(account))
    }

    fn attempt_from(&self, address: Option<IpAddr>) -> Result<(), RetryAfter> {
        self.of_address(address)
    }

    /// Not in the bucket of passwords: a service that has its secret wrong would empty that of the
    /// people beside it. Nor by the client: that would tell which clients there are.
    fn wrong_secret(&self, address: Option<IpAddr>) -> Result<(), RetryAfter> {
        address.map_or(Ok(()), |address| {
            self.secrets.take(self.keys.hash_one(network(address)))
        })
    }

    /// Forgets what was counted here and what was counted everywhere. What was counted in other
    /// networks alone stays: whoever guesses there is not the one who is here.
    fn succeeded(&self, account: &AccountKey, address: Option<IpAddr>) {
        self.tight.forget(self.tight_key(account, address));
        self.wide.forget(self.keys.hash_one(account));
    }
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

    /// S87 S89: ten at once from one network, whatever the spelling, then one in ten seconds.
    #[test]
    fn an_account_has_so_many_attempts_from_one_network() {
        let (clock, throttle) = throttle();
        let from = |n| Some(address(&format!("2001:db8::{n}")));
        for n in 0..10 {
            let name = if n % 2 == 0 { "alice" } else { " ALICE" };
            assert_eq!(throttle.attempt(&account(name), from(n)), Ok(()), "{n}");
        }
        assert_eq!(throttle.attempt(&account("Alice"), from(10)), refused(10));
        assert_eq!(throttle.attempt(&account("bob"), from(0)), Ok(()));
        clock.advance(Duration::from_millis(500));
        assert_eq!(throttle.attempt(&account("alice"), from(0)), refused(10));
        clock.advance(Duration::from_millis(9_500));
        assert_eq!(throttle.attempt(&account("alice"), from(0)), Ok(()));
        assert_eq!(throttle.attempt(&account("alice"), from(0)), refused(10));
    }

    /// S88: two networks that guess for hours without a pause do not keep the owner out elsewhere.
    #[test]
    fn guessers_do_not_keep_the_owner_out() {
        let (clock, throttle) = throttle();
        let guessers = ["192.0.2.7", "203.0.113.7"].map(|text| Some(address(text)));
        let mut tried = 0;
        for _ in 0..6 * 3_600 {
            let got_through =
                |from: &&Option<IpAddr>| throttle.attempt(&account("alice"), **from).is_ok();
            tried += guessers.iter().filter(got_through).count();
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(tried, 2 * (10 + 6 * 360 - 1));
        let owner = Some(address("198.51.100.1"));
        assert_eq!(throttle.attempt(&account("alice"), owner), Ok(()));
    }

    /// S87: a hundred guesses from wherever, then one a minute.
    #[test]
    fn an_account_has_so_many_attempts_from_everywhere() {
        let (clock, throttle) = throttle();
        let from = |n| Some(address(&format!("192.0.2.{n}")));
        for n in 0..100 {
            assert_eq!(throttle.attempt(&account("alice"), from(n)), Ok(()), "{n}");
        }
        assert_eq!(throttle.attempt(&account("alice"), from(100)), refused(5));
        assert_eq!(throttle.attempt(&account("alice"), None), refused(5));
        assert_eq!(throttle.attempt(&account("bob"), from(101)), Ok(()));
        clock.advance(Duration::from_secs(5));
        assert_eq!(throttle.attempt(&account("alice"), from(102)), Ok(()));
        assert_eq!(throttle.attempt(&account("alice"), from(103)), refused(5));
        throttle.succeeded(&account("alice"), from(102));
        assert_eq!(throttle.attempt(&account("alice"), from(104)), Ok(()));
    }

    /// S88: parallel right logins of one account are not stopped; a right password in one network
    /// gives nothing back to a guesser in another.
    #[test]
    fn a_right_password_starts_the_account_anew_where_it_came_from() {
        let (_, throttle) = throttle();
        let (owner, guesser) = (None, Some(address("192.0.2.7")));
        while throttle.attempt(&account("alice"), guesser).is_ok() {}
        for _ in 0..20 {
            for _ in 0..10 {
                assert_eq!(throttle.attempt(&account("alice"), owner), Ok(()));
            }
            assert!(throttle.attempt(&account("alice"), owner).is_err());
            throttle.succeeded(&account("alice"), owner);
        }
        assert!(throttle.attempt(&account("alice"), guesser).is_err());
    }

    /// S91: an address, a whole /64 of IPv6, has more attempts, those for no account included; a
    /// right password gives none back.
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
                if n % 2 == 0 {
                    assert_eq!(throttle.attempt(&name, from), Ok(()), "{n}");
                    throttle.succeeded(&name, from);
                } else {
                    assert_eq!(throttle.attempt_from(from), Ok(()), "{n}");
                }
            }
            let last = Some(address(addresses[2]));
            assert_eq!(throttle.attempt(&account("x"), last), refused(1));
            assert_eq!(throttle.attempt_from(last), refused(1));
            assert_eq!(throttle.attempt_from(None), Ok(()));
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
        for _ in 0..1_000 {
            assert!(throttle.attempt(&account("alice"), from).is_err());
        }
        assert_eq!(throttle.attempt(&account("alice"), None), Ok(()));
        assert_eq!(throttle.wide.len(), 61);
    }

    /// Whoever guesses secrets is told to wait; passwords are counted for themselves, and so is
    /// every other network.
    #[test]
    fn a_network_has_so_many_wrong_secrets() {
        let (clock, throttle) = throttle();
        let guesser = Some(address("192.0.2.7"));
        for n in 0..100 {
            assert_eq!(throttle.wrong_secret(guesser), Ok(()), "{n}");
        }
        assert_eq!(throttle.wrong_secret(guesser), refused(10));
        assert_eq!(throttle.wrong_secret(Some(address("192.0.2.8"))), Ok(()));
        assert_eq!(throttle.attempt_from(guesser), Ok(()));
        clock.advance(Duration::from_secs(10));
        assert_eq!(throttle.wrong_secret(guesser), Ok(()));
        assert_eq!(throttle.wrong_secret(guesser), refused(10));
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let (clock, throttle) = throttle();
        for n in 0..1_000 {
            let from = Some(address(&format!("10.0.{}.{}", n / 250, n % 250)));
            throttle.attempt(&account(&n.to_string()), from).unwrap();
        }
        let kept = || [&throttle.addresses, &throttle.tight, &throttle.wide].map(Buckets::len);
        throttle.tidy();
        assert_eq!(kept(), [1_000; 3]);
        clock.advance(Duration::from_mins(5));
        throttle.tidy();
        assert_eq!(kept(), [0; 3]);
    }
}
