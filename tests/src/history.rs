//! What clients asked and were told, with times, and whether the protocol allows it.
//!
//! A [`Recorder`] keeps an [`Event`] for every request: when it was sent, what it asked for,
//! and what came back. [`check`] is a pure function over them that finds what must not be:
//! two successors of one refresh token, a session that lives after its acknowledged end,
//! something acknowledged that is gone, an honest client that is logged out, a replaced
//! password that is valid.

mod check;
mod index;
mod recorder;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use serde_json::Value;

pub use self::check::check;
pub use self::recorder::Recorder;
use crate::Reply;
use crate::client::{ACCESS_COOKIE, REFRESH_COOKIE};
use crate::jwt;

/// A request and what became of it. Times are those of a monotonic clock since the start of
/// the recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Which node was asked.
    pub node: usize,
    /// When the request was about to be sent.
    pub invoked: Duration,
    /// When its answer was there, or was given up.
    pub returned: Duration,
    /// What was asked for.
    pub asked: Asked,
    /// What came back.
    pub answer: Answer,
}

impl Event {
    /// How long the answer took.
    pub const fn took(&self) -> Duration {
        self.returned.saturating_sub(self.invoked)
    }
}

/// What a request asks for. Users and sessions are named by their names and ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// An account.
    Register {
        /// Whose.
        user: String,
    },
    /// A session.
    LogIn {
        /// Whose.
        user: String,
        /// With which password.
        password: String,
    },
    /// The next pair of a session.
    Refresh {
        /// Which session's.
        session: String,
        /// The generation of the token that is presented.
        generation: i64,
        /// Whether a thief asks, who holds a copy.
        thief: bool,
    },
    /// Whether the session's newest access token is good.
    Verify {
        /// Which session's.
        session: String,
    },
    /// The end of a session.
    LogOut {
        /// Of which one.
        session: String,
    },
    /// The end of all sessions of a user.
    LogOutEverywhere {
        /// Whose.
        user: String,
    },
    /// Another password; it ends all sessions, and opens one.
    ChangePassword {
        /// Whose.
        user: String,
        /// The new one, which the user never had before.
        to: String,
    },
    /// A look into the database.
    Rows,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is done.
    Yes(Option<Given>),
    /// It was refused, with this code: nothing of it was done.
    No(String),
    /// It may be done or not: an answer of 503, or none.
    Unknown,
    /// What is in the database.
    Rows(Rows),
}

/// The refresh token that an answer brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The session's id.
    pub session: String,
    /// The token's generation.
    pub generation: i64,
    /// What the database keeps of it: SHA-256 of its `jti`, in hexadecimal.
    pub digest: String,
}

/// What the database has of users and sessions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// By id.
    pub sessions: HashMap<String, Row>,
    /// By name.
    pub users: HashSet<String>,
}

/// A session's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The generation of its current token.
    pub generation: i64,
    /// The digest of that token.
    pub digest: String,
    /// Whether it has ended.
    pub ended: bool,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which rule says so.
    pub rule: Rule,
    /// What happened.
    pub what: String,
}

/// What the events are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// I1: of one generation of a session there is one refresh token, and a refresh answers
    /// the presented generation or the next one.
    OneSuccessor,
    /// I3, I5: nothing of a session is accepted after its end was acknowledged.
    NoLifeAfterTheEnd,
    /// I3: a token two generations behind one that was acknowledged is never accepted.
    NoOldToken,
    /// I4: what was acknowledged is in the database.
    NothingLost,
    /// I2: a session without theft goes on until somebody asks for its end.
    NobodyLoggedOut,
    /// I9: a replaced password opens nothing, and the new one opens.
    OnePassword,
}

impl Answer {
    /// What an answer, or its absence, says.
    pub fn of(reply: Option<&Reply>) -> Self {
        match reply {
            None => Self::Unknown,
            Some(reply) if reply.status == 503 => Self::Unknown,
            Some(reply) if reply.status < 300 => Self::Yes(Given::by(reply)),
            Some(reply) => Self::No(reply.code()),
        }
    }
}

/// The tokens in an answer: access, and refresh where it brought one.
pub fn tokens(reply: &Reply) -> (Option<String>, Option<String>) {
    let body: Value = serde_json::from_slice(&reply.bytes).unwrap_or_default();
    let in_body = |member: &str| body[member].as_str().map(str::to_owned);
    let in_cookie = |name: &str| {
        let mut set = reply.set_cookies();
        set.retain(|cookie| cookie.name == name && !cookie.clears());
        set.pop().map(|cookie| cookie.value)
    };
    (
        in_body("access_token").or_else(|| in_cookie(ACCESS_COOKIE)),
        in_body("refresh_token").or_else(|| in_cookie(REFRESH_COOKIE)),
    )
}

impl Given {
    fn by(reply: &Reply) -> Option<Self> {
        tokens(reply).1.map(|token| Self::of(&token))
    }

    /// What there is to know of a refresh token.
    pub fn of(token: &str) -> Self {
        let claims = jwt::claims(token);
        let text = |claim: &str| claims[claim].as_str().expect("a claim").to_owned();
        Self {
            session: text("sid"),
            generation: jwt::integer(token, "gen"),
            digest: jwt::sha256_hex(&jwt::decode(&text("jti"))),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}
