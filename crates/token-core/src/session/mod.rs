//! Sessions: one login on one device, one row, one chain of refresh tokens.

mod client;
mod end;
mod outage;

pub use client::{ClientFacts, Transport, UnknownTransport};
pub use end::{EndReason, UnknownEndReason};
pub use outage::{Outage, OutageTracker};

use crate::id::{ClientId, KeyId, SessionId, UserId};
use crate::policy::SessionPolicy;
use crate::random::Entropy;
use crate::secret::{RefreshDigest, RefreshSecret};
use crate::time::Timestamp;
use crate::token::status_list::StatusPlace;

/// A session as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The `sid` claim.
    pub id: SessionId,
    /// Whose session it is.
    pub user_id: UserId,
    /// The OAuth client it was opened for.
    pub client_id: ClientId,
    /// Scope values separated by spaces (RFC 6749 §3.3); empty for first-party sessions.
    pub scope: String,
    /// How many rotations the chain of refresh tokens has had.
    pub generation: u64,
    /// Digest of the current refresh token's `jti`.
    pub refresh_digest: RefreshDigest,
    /// The key that signed the current refresh token and, past generation 0, derived its `jti`.
    pub refresh_kid: KeyId,
    /// When the current refresh token was made.
    pub rotated_at: Timestamp,
    /// The generation of the last late recovery, if there was one.
    pub recovered_generation: Option<u64>,
    /// When the session was opened.
    pub created_at: Timestamp,
    /// When the user last proved who they are (the `auth_time` claim).
    pub authenticated_at: Timestamp,
    /// The idle end: the current refresh token's `exp`. Whole seconds.
    pub expires_at: Timestamp,
    /// The absolute end, which no rotation moves. Whole seconds.
    pub max_expires_at: Timestamp,
    /// When and why it ended, if it did before its time.
    pub ended: Option<Ended>,
    /// What the client told of itself when the session was opened.
    pub client: ClientFacts,
    /// How its tokens travel.
    pub transport: Transport,
    /// Whether cookies outlive the browser's session (`Max-Age`).
    pub remember: bool,
    /// How the user authenticated (RFC 8176), for example `["pwd"]`.
    pub amr: Vec<String>,
    /// Where its bit is in the status lists: given by storage when the session is opened.
    pub status: Option<StatusPlace>,
}

/// The end of a session that did not just run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: EndReason,
}

/// What can be said of a session at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionState {
    /// Its refresh token works.
    Live,
    /// It was ended.
    Ended(EndReason),
    /// Its idle or absolute end has passed.
    Expired,
}

/// What differs between new sessions.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Whose session it is.
    pub user_id: UserId,
    /// How its tokens travel.
    pub transport: Transport,
    /// Whether cookies outlive the browser's session.
    pub remember: bool,
    /// What is known of the client.
    pub client: ClientFacts,
}

impl Session {
    /// A session that a password opened at `now`, for renewd's own client. Its first refresh token
    /// carries `secret` and is signed with the key named `kid`.
    pub fn open(
        new: NewSession,
        secret: &RefreshSecret,
        kid: &KeyId,
        policy: &SessionPolicy,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Self {
        let max_expires_at = policy.max_expires_at(now);
        Self {
            id: SessionId::generate(now, entropy),
            user_id: new.user_id,
            client_id: ClientId::first_party(),
            scope: String::new(),
            generation: 0,
            refresh_digest: secret.digest(),
            refresh_kid: kid.clone(),
            rotated_at: now,
            recovered_generation: None,
            created_at: now,
            authenticated_at: now,
            expires_at: policy.idle_end(now, max_expires_at),
            max_expires_at,
            ended: None,
            client: new.client,
            transport: new.transport,
            remember: new.remember,
            amr: vec!["pwd".to_owned()],
            status: None,
        }
    }

    /// The session's state at `now`.
    pub fn state(&self, now: Timestamp) -> SessionState {
        match self.ended {
            Some(ended) => SessionState::Ended(ended.reason),
            None if self.expires_at <= now || self.max_expires_at <= now => SessionState::Expired,
            None => SessionState::Live,
        }
    }
}
