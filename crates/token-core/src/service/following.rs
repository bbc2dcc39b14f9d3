//! The feed of ended sessions, passed on to whoever follows it: from what this process knows, as
//! soon as it knows it.

use std::time::Duration;

use super::Service;
use crate::id::SessionId;
use crate::policy::{CLOCK_BOUND, COMMIT_BOUND};
use crate::revocation::{Follower, Overtaken, RevocationSet};
use crate::time::Timestamp;
use crate::token::access::VerifiedAccess;

/// How much earlier than a cursor says is read again. An end that was asked for before the cursor
/// may have been committed after it, by a node whose clock is behind that of the one which wrote
/// the cursor.
const OVERLAP: Duration = COMMIT_BOUND
    .saturating_add(CLOCK_BOUND)
    .saturating_add(CLOCK_BOUND);

/// How far a follower of ended sessions has read: a time up to which it has been told everything,
/// by the clock that all nodes share, so that any of them can go on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard(Option<Timestamp>);

/// What a cursor that is worth something begins with.
const VERSION: &str = "v1.";
/// A cursor that stands for nothing.
const START: &str = "start";

impl Heard {
    /// Nothing so far.
    pub const NOTHING: Self = Self(None);

    /// Reads a cursor. One that is not understood stands for nothing.
    pub fn parse(cursor: &str) -> Self {
        let micros = cursor
            .strip_prefix(VERSION)
            .filter(|text| text.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|text| text.parse().ok());
        Self(micros.map(Timestamp::from_micros))
    }

    /// The cursor.
    pub fn to_cursor(self) -> String {
        self.0.map_or_else(
            || START.to_owned(),
            |at| format!("{VERSION}{}", at.as_micros()),
        )
    }
}

/// Follows the ended sessions.
#[derive(Debug)]
pub struct EndedSessions {
    follower: Follower,
    heard: Heard,
}

/// How much this process knew when it was asked.
#[derive(Debug, Clone, Copy)]
pub struct Knowledge {
    /// When it last knew everything, by the monotonic clock.
    at: Duration,
    heard: Heard,
}

impl Service {
    /// Follows the ended sessions: all that are remembered and that a reader who got as far as
    /// `heard` may not know of, then each as it becomes known here.
    pub fn follow_ended_sessions(&self, heard: Heard) -> EndedSessions {
        let (clock, revocations) = (&self.parts.clock, &self.parts.revocations);
        let (now, monotonic) = (clock.now(), clock.monotonic());
        // One from the future is of another clock, and so of another installation.
        let heard = Heard(heard.0.filter(|at| *at <= now.plus(CLOCK_BOUND)));
        let age = heard.0.map(|at| now.since(at).saturating_add(OVERLAP));
        EndedSessions {
            follower: RevocationSet::follow(revocations, age, monotonic),
            heard,
        }
    }

    /// How much is known at this moment; `None` while that is too little to vouch for.
    pub fn knowledge_of_ends(&self) -> Option<Knowledge> {
        let (clock, revocations) = (&self.parts.clock, &self.parts.revocations);
        let (now, monotonic) = (clock.now(), clock.monotonic());
        let staleness = revocations.staleness(monotonic)?;
        revocations.is_fresh(monotonic).then(|| Knowledge {
            at: monotonic.saturating_sub(staleness),
            heard: Heard(Some(now.minus(staleness))),
        })
    }

    /// How old that knowledge has become.
    pub fn age_of(&self, knowledge: Knowledge) -> Duration {
        self.parts.clock.monotonic().saturating_sub(knowledge.at)
    }

    /// How long an access token is still accepted here.
    pub fn time_left(&self, access: &VerifiedAccess) -> Duration {
        let leeway = self.policy.leeway.as_duration();
        access.expires_at.plus(leeway).since(self.now())
    }

    /// Whether a session is known to have ended.
    pub fn is_known_ended(&self, id: SessionId) -> bool {
        let monotonic = self.parts.clock.monotonic();
        self.parts.revocations.is_ended(id, monotonic)
    }
}

impl EndedSessions {
    /// The next ones, at most so many; none when everything that is known has been given.
    pub fn next(&mut self, most: usize) -> Result<Vec<SessionId>, Overtaken> {
        self.follower.next(most)
    }

    /// Comes when there is a next one.
    pub async fn changed(&self) {
        self.follower.changed().await;
    }

    /// Everything that was known then has been told.
    pub const fn told(&mut self, knowledge: Knowledge) {
        self.heard = knowledge.heard;
    }

    /// How far its reader has got.
    pub const fn heard(&self) -> Heard {
        self.heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_and_written() {
        let heard = Heard(Some(Timestamp::from_micros(1_800_000_000_000_001)));
        assert_eq!(heard.to_cursor(), "v1.1800000000000001");
        assert_eq!(Heard::parse("v1.1800000000000001"), heard);
        let nothing = Heard::NOTHING.to_cursor();
        for unknown in [
            nothing.as_str(),
            "",
            "v1.",
            "v1.-5",
            "v1.+5",
            "v1. 5",
            "v2.5",
            "5",
            "v1.99999999999999999999",
            "v1.5\u{e9}",
        ] {
            assert_eq!(Heard::parse(unknown), Heard::NOTHING, "{unknown:?}");
        }
    }
}
