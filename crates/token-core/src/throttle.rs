//! The port that slows guessing down.

use std::net::IpAddr;
use std::time::Duration;

use crate::id::{ClientId, UserId};
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

    /// Counts an attempt to prove who a client is, before its secret is compared, or refuses it.
    /// A client that does not exist is counted by the address alone.
    fn attempt_secret(
        &self,
        client: Option<&ClientId>,
        address: Option<IpAddr>,
    ) -> Result<(), RetryAfter>;

    /// The attempt's secret was right: the client starts anew at this address.
    fn secret_was_right(&self, client: &ClientId, address: Option<IpAddr>);

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

    fn attempt_secret(&self, _: Option<&ClientId>, _: Option<IpAddr>) -> Result<(), RetryAfter> {
        Ok(())
    }

    fn secret_was_right(&self, _: &ClientId, _: Option<IpAddr>) {}

    fn succeeded(&self, _: &AccountKey, _: Option<IpAddr>) {}
}
