//! Rotation: what a presented refresh token means, as a pure and total function of the row.

use std::sync::Arc;

use crate::id::{AuditId, ClientId, SessionId, UserId};
use crate::key::RefreshKeys;
use crate::policy::{RefreshPolicy, ReusePolicy, SessionPolicy};
use crate::secret::{RefreshDigest, RefreshSecret};
use crate::session::{EndReason, Outage, Session, SessionState, Transport};
use crate::store::AuditKind;
use crate::time::Timestamp;
use crate::token::chain::{self, Successor};
use crate::user::User;

/// A refresh token whose signature was verified, reduced to what identifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// The `sid` claim.
    pub session_id: SessionId,
    /// The `sub` claim.
    pub user_id: UserId,
    /// The `client_id` claim.
    pub client_id: ClientId,
    /// The `transport` claim.
    pub transport: Transport,
    /// The `gen` claim.
    pub generation: u64,
    /// The `jti` claim.
    pub secret: RefreshSecret,
    /// The `exp` claim.
    pub expires_at: Timestamp,
}

/// A rotation to be tried: what storage needs for its one conditional write, and the rules for
/// when that write changes no row.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// The token that was presented.
    pub presented: Presented,
    /// Digest of its `jti`: the row must still have it.
    pub presented_digest: RefreshDigest,
    /// What takes its place.
    pub successor: Successor,
    /// The moment of the request, taken before the database was touched. A retry by the server
    /// keeps it.
    pub now: Timestamp,
    /// The id of the audit event, should there be one.
    pub audit_id: AuditId,
    /// The operator's rules.
    pub policy: Arc<SessionPolicy>,
    /// The recent outages, which are not held against clients.
    pub outages: Vec<Outage>,
    /// Every refresh key known here.
    pub keys: Arc<RefreshKeys>,
}

/// What the row says of a presented token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Not a token of this session: nothing happens to it.
    Invalid,
    /// The session was ended, or its user is gone or disabled.
    Revoked,
    /// The session has run out.
    Expired,
    /// The current token, made a moment ago: another tab was faster. The same token again.
    Repeat,
    /// The current token, and nothing else is wrong: a race was lost and undone. Write again.
    WriteAgain,
    /// The parent of the current token, within the window: the same successor again.
    Replay,
    /// The parent, later, and the policy forgives it: the same successor again, and remember it.
    LateRecovery,
    /// An old token: somebody has a copy. The session ends.
    Reuse,
    /// A genuine token from the future of this row: data was lost. The session ends.
    StateLost,
    /// The row's key is not known here.
    UnknownKey,
}

impl Decision {
    /// Why the session has to end, if it has to, and how the audit log calls that.
    pub const fn ends_session(self) -> Option<(EndReason, AuditKind)> {
        match self {
            Self::Reuse => Some((EndReason::ReuseDetected, AuditKind::RefreshReused)),
            Self::StateLost => Some((EndReason::StateLost, AuditKind::StateLost)),
            Self::Invalid
            | Self::Revoked
            | Self::Expired
            | Self::Repeat
            | Self::WriteAgain
            | Self::Replay
            | Self::LateRecovery
            | Self::UnknownKey => None,
        }
    }
}

/// What a rotation came to, once it is committed.
#[derive(Debug, Clone)]
pub enum RotationOutcome {
    /// The session moved on.
    Advanced(Box<Granted>),
    /// The presented token is still the one to use.
    Repeated(Box<Granted>),
    /// The successor that was made before is the one to use.
    Replayed(Box<Granted>),
    /// Likewise, after the window.
    Recovered(Box<Granted>),
    /// No tokens.
    Refused(Refusal),
}

/// The session as it stands after a successful rotation, and its user.
#[derive(Debug, Clone)]
pub struct Granted {
    /// The session.
    pub session: Session,
    /// Its user, active at the commit.
    pub user: User,
}

impl Granted {
    /// The secret of the row's current token, computed again from its parent, which was presented;
    /// `None` if it is not the parent, or the row's key is not among these.
    pub fn successor_secret(
        &self,
        keys: &RefreshKeys,
        presented: &Presented,
    ) -> Option<RefreshSecret> {
        let row = &self.session;
        let key = keys.get(row.refresh_kid.as_str())?;
        let next = chain::successor(key, row.id, presented.generation, &presented.secret);
        (next.digest == row.refresh_digest).then_some(next.secret)
    }
}

/// Why a rotation gives no tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// See [`Decision::Invalid`].
    Invalid,
    /// See [`Decision::Revoked`]; the reason, if one was recorded, is for the audit log only.
    Revoked(Option<EndReason>),
    /// See [`Decision::Expired`].
    Expired,
    /// See [`Decision::Reuse`]; the session's end is committed.
    Reused,
    /// See [`Decision::StateLost`]; the session's end is committed.
    StateLost,
    /// See [`Decision::UnknownKey`].
    UnknownKey,
    /// The row kept changing under the write.
    Contended,
}

/// How many generations lie between two late recoveries that are both believed.
const RECOVERY_SPACING: u64 = 16;

impl Rotation {
    /// The replay window: a session that was rotated in it is not rotated again yet. `None` when it
    /// is switched off. It reaches back as far as outages excuse: what one client asked before and
    /// after an outage may still be under way together, and had the one rotated the session twice,
    /// the other's token would be a grandparent.
    pub fn quiet_window(&self) -> Option<(Timestamp, Timestamp)> {
        let window = self.policy.replay_window.as_duration();
        (!window.is_zero()).then(|| {
            let from = self.now.minus(window);
            let from = self.excused_since().map_or(from, |since| from.min(since));
            (from, self.now.plus(window))
        })
    }

    fn excused_since(&self) -> Option<Timestamp> {
        let window = self.policy.replay_window.as_duration();
        Outage::excused_since(&self.outages, self.now, window)
    }

    /// The idle end that the write sets; `None` leaves it where it is (policy `fixed`). At most
    /// the row's absolute end: storage takes the lesser of the two.
    pub fn new_idle_end(&self) -> Option<Timestamp> {
        match self.policy.refresh {
            RefreshPolicy::Sliding => Some(
                self.now
                    .plus(self.policy.idle_lifetime.as_duration())
                    .floor_to_second(),
            ),
            RefreshPolicy::Fixed => None,
        }
    }

    /// Decides what the presented token means, given its session's row and user, if they exist.
    /// Asked only after the conditional write changed no row.
    pub fn decide(&self, session: Option<&Session>, user: Option<&User>) -> Decision {
        let presented = &self.presented;
        let Some(row) = session else {
            return Decision::Invalid;
        };
        let same_generation = presented.generation == row.generation;
        if row.user_id != presented.user_id
            || row.client_id != presented.client_id
            || row.transport != presented.transport
            || (same_generation && row.refresh_digest != self.presented_digest)
        {
            return Decision::Invalid;
        }
        if !user.is_some_and(User::is_active) {
            return Decision::Revoked;
        }
        match row.state(self.now) {
            SessionState::Ended(_) => return Decision::Revoked,
            SessionState::Expired => return Decision::Expired,
            SessionState::Live => {}
        }
        if presented.generation > row.generation {
            return Decision::StateLost;
        }
        if same_generation {
            return self.decide_current(row);
        }
        match self.keys.get(row.refresh_kid.as_str()) {
            // Only the direct parent's successor needs the key: anything older is reuse without it.
            None if presented.generation.saturating_add(1) == row.generation => {
                Decision::UnknownKey
            }
            Some(key) if self.is_parent(row, key) => self.decide_parent(row),
            None | Some(_) => Decision::Reuse,
        }
    }

    fn decide_current(&self, row: &Session) -> Decision {
        if row.generation > 0 && self.is_quiet(row) {
            Decision::Repeat
        } else {
            Decision::WriteAgain
        }
    }

    fn is_quiet(&self, row: &Session) -> bool {
        self.quiet_window()
            .is_some_and(|(from, to)| (from..=to).contains(&row.rotated_at))
    }

    fn decide_parent(&self, row: &Session) -> Decision {
        if self.policy.replay_window.as_duration().is_zero() {
            return Decision::Reuse;
        }
        // Also where the clock was set back meanwhile, and it was rotated after the window.
        let excused = || self.excused_since().is_some_and(|at| row.rotated_at >= at);
        if self.is_quiet(row) || excused() {
            return Decision::Replay;
        }
        match self.policy.reuse {
            ReusePolicy::Strict => Decision::Reuse,
            ReusePolicy::Recover => match row.recovered_generation {
                Some(last)
                    if last != row.generation
                        && row.generation.saturating_sub(last) < RECOVERY_SPACING =>
                {
                    Decision::Reuse
                }
                None | Some(_) => Decision::LateRecovery,
            },
        }
    }

    /// Whether the presented token's successor is the row's current token.
    fn is_parent(&self, row: &Session, key: &crate::key::RefreshKey) -> bool {
        let presented = &self.presented;
        presented.generation.saturating_add(1) == row.generation
            && chain::successor(key, row.id, presented.generation, &presented.secret).digest
                == row.refresh_digest
    }
}

impl RotationOutcome {
    /// The outcome of a decision that storage has carried out. [`Decision::WriteAgain`] means here
    /// that it has been written often enough.
    pub fn of(decision: Decision, session: Option<Session>, user: Option<User>) -> Self {
        let reason = session
            .as_ref()
            .and_then(|s| s.ended)
            .map(|ended| ended.reason);
        let granted = session
            .zip(user)
            .map(|(session, user)| Box::new(Granted { session, user }));
        let refusal = match (decision, granted) {
            (Decision::Repeat, Some(granted)) => return Self::Repeated(granted),
            (Decision::Replay, Some(granted)) => return Self::Replayed(granted),
            (Decision::LateRecovery, Some(granted)) => return Self::Recovered(granted),
            // A decision for a session that is not there cannot be one of the three above.
            (Decision::Repeat | Decision::Replay | Decision::LateRecovery, None)
            | (Decision::Invalid, _) => Refusal::Invalid,
            (Decision::Revoked, _) => Refusal::Revoked(reason),
            (Decision::Expired, _) => Refusal::Expired,
            (Decision::WriteAgain, _) => Refusal::Contended,
            (Decision::Reuse, _) => Refusal::Reused,
            (Decision::StateLost, _) => Refusal::StateLost,
            (Decision::UnknownKey, _) => Refusal::UnknownKey,
        };
        Self::Refused(refusal)
    }
}
