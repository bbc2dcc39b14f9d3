//! What users do with their own sessions.

use super::{Authenticated, Service};
use crate::id::SessionId;
use crate::session::{EndReason, Session};
use crate::store::{EndOutcome, EndSession, SessionFilter, StoreError};

/// Why a session was not ended.
#[derive(Debug, thiserror::Error)]
pub enum OwnSessionError {
    /// The caller has no such session.
    #[error("no such session")]
    NotFound,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service {
    /// The caller's live sessions, newest first.
    pub async fn own_sessions(&self, caller: &Authenticated) -> Result<Vec<Session>, StoreError> {
        let filter = SessionFilter {
            user_id: Some(caller.user.id),
            live_at: Some(self.now()),
            limit: None,
        };
        self.parts.store.sessions(filter).await
    }

    /// Ends one of the caller's sessions. Ending an ended one is fine.
    pub async fn end_own_session(
        &self,
        caller: &Authenticated,
        id: SessionId,
    ) -> Result<(), OwnSessionError> {
        let of_user = Some(caller.user.id);
        let end = EndSession {
            id,
            of_user,
            reason: EndReason::Logout,
            now: self.now(),
        };
        match self.parts.store.end_session(end).await? {
            EndOutcome::Ended | EndOutcome::AlreadyEnded => Ok(()),
            EndOutcome::NotFound => Err(OwnSessionError::NotFound),
        }
    }
}
