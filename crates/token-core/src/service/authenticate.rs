//! Who is asking? Answered from the access token and memory, or with the database's word as well.

use std::sync::Arc;

use super::Service;
use crate::revocation::Verdict;
use crate::session::{Session, SessionState};
use crate::store::StoreError;
use crate::token::access::{AccessError, VerifiedAccess};
use crate::user::User;

/// Why an access token does not get in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessRefused {
    /// Genuine, but this is not its time, or its key's: refresh.
    #[error("the access token has expired")]
    Expired,
    /// Not a token for this service.
    #[error("the access token is invalid: {0}")]
    Invalid(AccessError),
    /// Its session has ended: log in.
    #[error("the session has ended")]
    SessionEnded,
    /// Whether its session has ended cannot be told at the moment: try again.
    #[error("the revocation feed is stale")]
    Unknown,
}

/// An access token whose session and user were read from the database.
#[derive(Debug, Clone)]
pub struct Authenticated {
    /// What the token says.
    pub access: Arc<VerifiedAccess>,
    /// Its session, live.
    pub session: Session,
    /// Its user, active.
    pub user: User,
}

/// Why the database's word does not let a token in.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The token itself is refused, or its session is not live any more.
    #[error(transparent)]
    Refused(#[from] AccessRefused),
    /// The token speaks for a client, and this is for users.
    #[error("the token speaks for no user")]
    NotAUser,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service {
    /// Verifies an access token and asks the revocation set, which is asked also for a token that
    /// is remembered from before. No I/O.
    pub fn authenticate(&self, token: &str) -> Result<Arc<VerifiedAccess>, AccessRefused> {
        let now = self.now();
        let keys = self.keys();
        let access = match self.verifier.verify(keys.verifying(), token, now) {
            Ok(access) => access,
            // Also for one from the future, after a clock was set back: a refresh gives one of now.
            Err(AccessError::Expired | AccessError::NotYet) => return Err(AccessRefused::Expired),
            // Whoever slept through a change of keys is to refresh, and not to log in again. Of a
            // token that is refused anyway its name for the key may be believed.
            Err(AccessError::UnknownKey) if self.names_retired_key(token) => {
                return Err(AccessRefused::Expired);
            }
            Err(error) => return Err(AccessRefused::Invalid(error)),
        };
        let monotonic = self.parts.clock.monotonic();
        match self.parts.revocations.verdict(access.session_id, monotonic) {
            Verdict::NotEnded => Ok(access),
            Verdict::Ended => Err(AccessRefused::SessionEnded),
            Verdict::Unknown => Err(AccessRefused::Unknown),
        }
    }

    /// Verifies an access token and reads its session and user: for whatever touches the database
    /// anyway. With a shared secret every verifier could mint tokens; here such a token still has
    /// to name a live session of an active user.
    pub async fn authenticate_with_state(&self, token: &str) -> Result<Authenticated, StateError> {
        let access = self.authenticate(token)?;
        let user_id = access.user_id().ok_or(StateError::NotAUser)?;
        let now = self.now();
        match self.parts.store.session(access.session_id).await? {
            Some((session, Some(user)))
                if session.state(now) == SessionState::Live
                    && session.user_id == user_id
                    && user.is_active() =>
            {
                Ok(Authenticated {
                    access,
                    session,
                    user,
                })
            }
            Some(_) | None => Err(AccessRefused::SessionEnded.into()),
        }
    }
}
