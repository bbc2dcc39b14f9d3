//! Logout: a correctly signed token of a session is enough to end it, however old the token is.

use super::Service;
use crate::id::SessionId;
use crate::session::{EndReason, Transport};
use crate::store::{EndSession, EndSessionsOf, StoreError};
use crate::time::Timestamp;
use crate::token::access::VerifiedAccess;
use crate::token::refresh as refresh_token;

/// A logout.
#[derive(Debug, Clone, Default)]
pub struct LogoutRequest<'a> {
    /// An access token, if one came.
    pub access: Option<&'a str>,
    /// A refresh token and how it came, if one did.
    pub refresh: Option<(&'a str, Transport)>,
}

/// Why nothing was logged out.
#[derive(Debug, thiserror::Error)]
pub enum LogoutError {
    /// No token came that names a session.
    #[error("no usable token")]
    NoToken,
    /// Storage failed; the session may live on.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service {
    /// Ends the session that the tokens name, or both if they name two. Ending an ended session
    /// is fine.
    pub async fn logout(&self, request: LogoutRequest<'_>) -> Result<(), LogoutError> {
        let access = request
            .access
            .and_then(|token| self.session_of_access(token));
        let refresh = request
            .refresh
            .and_then(|(token, transport)| self.session_of_refresh(token, transport));
        let mut ids: Vec<SessionId> = access.into_iter().chain(refresh).collect();
        ids.dedup();
        if ids.is_empty() {
            return Err(LogoutError::NoToken);
        }
        let now = self.now();
        for id in ids {
            let end = EndSession {
                id,
                of_user: None,
                reason: EndReason::Logout,
                now,
            };
            self.parts.store.end_session(end).await?;
        }
        Ok(())
    }

    /// The session of a correctly signed access token, expired or not.
    pub fn session_of_access(&self, token: &str) -> Option<SessionId> {
        self.peek_access(token).map(|(session, _)| session)
    }

    /// The session of a correctly signed refresh token of any generation, expired or not.
    pub fn session_of_refresh(&self, token: &str, transport: Transport) -> Option<SessionId> {
        self.peek_refresh(token, transport)
            .map(|(session, _)| session)
    }

    /// Session and `iat` of a correctly signed access token, expired or not. No I/O.
    pub fn peek_access(&self, token: &str) -> Option<(SessionId, Timestamp)> {
        let keys = self.keys();
        let verifier = &self.parts.verifier;
        let access = verifier.verify_whenever(keys.verifying(), token);
        access
            .ok()
            .map(|access| (access.session_id, access.issued_at))
    }

    /// Session and generation of a correctly signed refresh token of this transport, expired or
    /// not. No I/O.
    pub fn peek_refresh(&self, token: &str, transport: Transport) -> Option<(SessionId, u64)> {
        let keys = self.keys();
        let issuer = &self.parts.mint.issuer;
        refresh_token::verify_whenever(issuer, keys.refresh(), token)
            .ok()
            .filter(|presented| presented.transport == transport)
            .map(|presented| (presented.session_id, presented.generation))
    }

    /// Ends every session of the token's user, and says how many.
    pub async fn logout_all(&self, access: &VerifiedAccess) -> Result<u64, StoreError> {
        self.end_sessions(access, None, EndReason::LogoutAll).await
    }

    /// Ends every session of the token's user but its own, and says how many.
    pub async fn logout_others(&self, access: &VerifiedAccess) -> Result<u64, StoreError> {
        self.end_sessions(access, Some(access.session_id), EndReason::LogoutOthers)
            .await
    }

    async fn end_sessions(
        &self,
        access: &VerifiedAccess,
        except: Option<SessionId>,
        reason: EndReason,
    ) -> Result<u64, StoreError> {
        let end = EndSessionsOf {
            user_id: access.user_id,
            except,
            reason,
            now: self.now(),
        };
        self.parts.store.end_sessions_of(end).await
    }
}
