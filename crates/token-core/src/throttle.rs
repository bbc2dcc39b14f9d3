//! The port that slows guessing down.

use std::net::IpAddr;
use std::time::Duration;

use crate::id::UserId;
use crate::user::Identifier;

/// What attempts are counted by: the account, whatever the spelling, on every path that checks a
/// password; a name that nobody has is counted like one that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum AccountKey {
    /// An existing account.
    User(UserId),
    /// A name that finds nobody.
    Unknown(Identifier),
}

/// Too many attempts; try again after this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter(pub Duration);

/// Limits how often passwords can be tried, and how often they can be hashed at all.
pub trait PasswordThrottle: Send + Sync {
    /// Counts an attempt, before its password is hashed, or refuses it.
    fn attempt(&self, account: &AccountKey, address: Option<IpAddr>) -> Result<(), RetryAfter>;

    /// Counts a request that has a password hashed for no account yet, as a registration does, or
    /// refuses it.
    fn attempt_from(&self, address: Option<IpAddr>) -> Result<(), RetryAfter>;

    /// Counts a client's secret that was wrong, or refuses to say so: whoever goes on like that is
    /// to wait. A right one is never counted: 256 random bits are not guessed, however often, and
    /// nobody is to be able to keep a client out.
    fn wrong_secret(&self, address: Option<IpAddr>) -> Result<(), RetryAfter>;

    /// The attempt's password was right: the account's owner is there, at this address, so the
    /// account starts anew.
    fn succeeded(&self, account: &AccountKey, address: Option<IpAddr>);
}

/// No limit at all: for load tests and for programs that only admins can call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

impl PasswordThrottle for Unlimited {
    fn attempt(&self, _: &AccountKey, _: Option<IpAddr>) -> Result<(), RetryAfter> {
        Ok(())
    }

    fn attempt_from(&self, _: Option<IpAddr>) -> Result<(), RetryAfter> {
        Ok(())
    }

    fn wrong_secret(&self, _: Option<IpAddr>) -> Result<(), RetryAfter> {
        Ok(())
    }

    fn succeeded(&self, _: &AccountKey, _: Option<IpAddr>) {}
}
