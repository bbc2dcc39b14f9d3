//! What the operator decided: lifetimes, windows and rules.

use std::time::Duration;

use crate::time::{Lifetime, Timestamp};

/// What a rotation does to the idle end of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshPolicy {
    /// It moves on, never past the absolute end.
    Sliding,
    /// It stays where the login put it.
    Fixed,
}

/// What a parent means that comes after the replay window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReusePolicy {
    /// Somebody has a copy: the session ends.
    Strict,
    /// The client may have lost the answer: once in a while it gets the same successor.
    Recover,
}

/// Lifetimes and rules of sessions and their tokens.
#[derive(Debug, Clone)]
pub struct SessionPolicy {
    /// How long an access token is accepted.
    pub access_lifetime: Lifetime,
    /// How long a session lives without a refresh.
    pub idle_lifetime: Lifetime,
    /// How long a session lives at the most.
    pub max_age: Lifetime,
    /// What a rotation does to the idle end.
    pub refresh: RefreshPolicy,
    /// What a late parent means.
    pub reuse: ReusePolicy,
    /// How long after a rotation its answer can be had again; 0 to 300 s. Zero: never.
    pub replay_window: Lifetime,
    /// How long past their end tokens are accepted here, for clocks that differ; 60 s at most.
    pub leeway: Lifetime,
    /// How many live sessions a user may have.
    pub per_user: u32,
}

/// How far clocks of nodes may differ before a node is not ready.
pub const CLOCK_BOUND: Duration = Duration::from_secs(5);

/// How long after it was asked for an end is committed at the most, or fails: storage gives up
/// sooner. Until then a refresh of the session may be answered.
pub const COMMIT_BOUND: Duration = Duration::from_secs(30);

/// How long after its `iat` an access token of that lifetime may still be accepted with that
/// leeway, by whatever clock.
pub fn access_is_accepted_for(lifetime: Lifetime, leeway: Lifetime) -> Duration {
    lifetime.as_duration() + leeway.as_duration() + CLOCK_BOUND
}

impl SessionPolicy {
    /// How long after its `iat` an access token may still be accepted, by whatever clock.
    pub fn access_is_accepted_for(&self) -> Duration {
        access_is_accepted_for(self.access_lifetime, self.leeway)
    }

    /// How long an ended session must be remembered: until no access token of it is accepted, nor
    /// of those that were minted while the end waited for its commit.
    pub fn revocation_retention(&self) -> Duration {
        self.access_is_accepted_for() + COMMIT_BOUND
    }

    /// The absolute end of a session opened at `now`, in whole seconds.
    pub fn max_expires_at(&self, now: Timestamp) -> Timestamp {
        now.plus(self.max_age.as_duration()).floor_to_second()
    }

    /// The idle end of a refresh token made at `now`, in whole seconds.
    pub fn idle_end(&self, now: Timestamp, max_expires_at: Timestamp) -> Timestamp {
        now.plus(self.idle_lifetime.as_duration())
            .floor_to_second()
            .min(max_expires_at)
    }
}

/// Who may make accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistrationPolicy {
    /// Anybody.
    Open,
    /// Only admins.
    Closed,
}
