//! Storage of sessions.

use super::StoreFuture;
use crate::id::{AuditId, SessionId, UserId};
use crate::password::PasswordHash;
use crate::session::{EndReason, Session};
use crate::time::Timestamp;
use crate::token::rotation::{Rotation, RotationOutcome};
use crate::token::status_list::StatusPlace;
use crate::user::User;

/// Opens a session, if the login that asks for it is still valid at the commit.
#[derive(Debug, Clone)]
pub struct OpenSession {
    /// The session to insert; storage gives it the place of its status.
    pub session: Session,
    /// The hash that the password was verified against. The row is inserted only where the user
    /// still has exactly this hash and is not disabled.
    pub verified_hash: PasswordHash,
    /// Sessions that this one replaces (of whatever user: the browser that held them now holds
    /// this one). Ended with [`EndReason::Replaced`].
    pub replaces: Vec<SessionId>,
    /// How many live sessions the user may have, this one included. Those refreshed least recently
    /// are ended with [`EndReason::Limit`].
    pub per_user: u32,
}

/// What became of an [`OpenSession`].
#[derive(Debug, Clone)]
pub enum OpenOutcome {
    /// The session lives; here is its user as of the commit, and the place of its status.
    Opened(Box<User>, StatusPlace),
    /// The password was changed, or the user disabled or deleted, since it was verified.
    Refused,
}

/// Ends one session.
#[derive(Debug, Clone)]
pub struct EndSession {
    /// Which.
    pub id: SessionId,
    /// Only if it is this user's.
    pub of_user: Option<UserId>,
    /// Why.
    pub reason: EndReason,
    /// When.
    pub now: Timestamp,
}

/// What became of an [`EndSession`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndOutcome {
    /// It was live, or had merely run out, and is ended now.
    Ended,
    /// It had been ended before.
    AlreadyEnded,
    /// No such session, or not that user's.
    NotFound,
}

/// Ends the sessions of a user.
#[derive(Debug, Clone)]
pub struct EndSessionsOf {
    /// Whose.
    pub user_id: UserId,
    /// All but this one.
    pub except: Option<SessionId>,
    /// Why.
    pub reason: EndReason,
    /// When.
    pub now: Timestamp,
}

/// Which sessions to list.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// Only this user's.
    pub user_id: Option<UserId>,
    /// Only those that are live at this moment.
    pub live_at: Option<Timestamp>,
    /// At most this many, newest first; all when `None`.
    pub limit: Option<u32>,
}

/// Something the audit log keeps.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    /// The entry's id.
    pub id: AuditId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub kind: AuditKind,
    /// Whose account it concerns.
    pub user_id: Option<UserId>,
    /// Which session it concerns.
    pub session_id: Option<SessionId>,
    /// Particulars, as `name=value` words; never a token, a password or a digest.
    pub detail: String,
}

/// What the audit log tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditKind {
    /// A replaced refresh token came back: the session was ended.
    RefreshReused,
    /// A refresh token newer than its row: the session was ended.
    StateLost,
    /// A parent was accepted after the window (policy `recover`).
    LateRecovery,
    /// A replay or repeat came from another address or user agent than the login.
    ReplayedElsewhere,
    /// A key was made.
    KeyCreated,
    /// A key signs from now on.
    KeyActivated,
    /// A key signs no more and still verifies.
    KeyRetiring,
    /// A key is refused from now on.
    KeyRetired,
    /// All keys were sealed under another master key.
    KeysRewrapped,
    /// The sealed keys were written to a file.
    KeysBackedUp,
}

impl AuditKind {
    /// The name in the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RefreshReused => "refresh_reused",
            Self::StateLost => "state_lost",
            Self::LateRecovery => "late_recovery",
            Self::ReplayedElsewhere => "replayed_elsewhere",
            Self::KeyCreated => "key_created",
            Self::KeyActivated => "key_activated",
            Self::KeyRetiring => "key_retiring",
            Self::KeyRetired => "key_retired",
            Self::KeysRewrapped => "keys_rewrapped",
            Self::KeysBackedUp => "keys_backed_up",
        }
    }
}

/// What a sweep may delete.
#[derive(Debug, Clone, Copy)]
pub struct SweepBefore {
    /// Sessions whose absolute end lies before this.
    pub max_expires_at: Timestamp,
    /// Sessions that were ended before this.
    pub ended_at: Timestamp,
    /// Name reservations that ran out before this.
    pub reserved_until: Timestamp,
    /// Delete at most this many sessions, so that other work gets its turn.
    pub limit: u32,
}

/// What is stored of a status list.
#[derive(Debug, Clone)]
pub struct StatusListPage {
    /// The highest number of a list that a session is in, if one is in any. Lists up to it are
    /// there, others are not.
    pub highest: Option<u32>,
    /// Which places of the list are of ended sessions.
    pub ended: Vec<u32>,
}

/// Storage of sessions and of the audit log.
pub trait SessionStore: Send + Sync {
    /// Opens a session where its user still has the verified password and is not disabled.
    fn open_session(&self, open: OpenSession) -> StoreFuture<'_, OpenOutcome>;

    /// Rotates a refresh token: one conditional write, and where it changes no row, what
    /// [`Rotation::decide`] says of the row, in the same transaction. An end that the decision
    /// asks for is committed with its audit event although the outcome is a refusal.
    fn rotate(&self, rotation: Rotation) -> StoreFuture<'_, RotationOutcome>;

    /// Ends one session. Ending twice keeps the first reason.
    fn end_session(&self, end: EndSession) -> StoreFuture<'_, EndOutcome>;

    /// Ends all sessions of a user that are not ended, and says how many.
    fn end_sessions_of(&self, end: EndSessionsOf) -> StoreFuture<'_, u64>;

    /// A session and, unless deleted, its user.
    fn session(&self, id: SessionId) -> StoreFuture<'_, Option<(Session, Option<User>)>>;

    /// Sessions, newest first.
    fn sessions(&self, filter: SessionFilter) -> StoreFuture<'_, Vec<Session>>;

    /// A status list: its sessions that ended since then.
    fn status_list(&self, list: u32, since: Timestamp) -> StoreFuture<'_, StatusListPage>;

    /// Appends to the audit log.
    fn record(&self, event: AuditEvent) -> StoreFuture<'_, ()>;

    /// Deletes what is too old to matter to any token, and says how many sessions went.
    fn sweep(&self, before: SweepBefore) -> StoreFuture<'_, u64>;
}
