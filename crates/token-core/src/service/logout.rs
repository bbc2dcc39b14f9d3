//! Logout: a correctly signed token of a session is enough to end it, however old the token is.

use super::{Authenticated, Service};
use crate::id::{SessionId, UserId};
use crate::session::{EndReason, Transport};
use crate::store::{EndSession, EndSessionsOf, StoreError};
use crate::time::Timestamp;
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
    /// The token speaks for a client, which does not log in or out.
    #[error("the token speaks for no user")]
    NotAUser,
    /// Storage failed; the session may live on.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service {
    /// Ends the session that the tokens name, or both if they name two. Ending an ended session
    /// is fine.
    pub async fn logout(&self, request: LogoutRequest<'_>) -> Result<(), LogoutError> {
        let access = match request.access {
            Some(token) => self.session_to_end(token)?,
            None => None,
        };
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

    /// The session of a correctly signed access token of a user, if it is one. Clients
    /// do not log out: they revoke their tokens.
    fn session_to_end(&self, token: &str) -> Result<Option<SessionId>, LogoutError> {
        let keys = self.keys();
        match self.parts.verifier.verify_whenever(keys.verifying(), token) {
            Ok(access) if access.user_id().is_none() => Err(LogoutError::NotAUser),
            Ok(access) => Ok(Some(access.session_id)),
            Err(_) => Ok(None),
        }
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

    /// Ends every session of the caller, and says how many.
    pub async fn logout_all(&self, caller: &Authenticated) -> Result<u64, StoreError> {
        self.end_sessions(caller.user.id, None, EndReason::LogoutAll)
            .await
    }

    /// Ends every session of the caller but the one that asks, and says how many.
    pub async fn logout_others(&self, caller: &Authenticated) -> Result<u64, StoreError> {
        let except = Some(caller.session.id);
        self.end_sessions(caller.user.id, except, EndReason::LogoutOthers)
            .await
    }

    async fn end_sessions(
        &self,
        user_id: UserId,
        except: Option<SessionId>,
        reason: EndReason,
    ) -> Result<u64, StoreError> {
        let end = EndSessionsOf {
            user_id,
            except,
            reason,
            now: self.now(),
        };
        self.parts.store.end_sessions_of(end).await
    }
}
