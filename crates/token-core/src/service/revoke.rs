//! Revocation (RFC 7009): a client gives a token back, and the session behind it ends.

use super::{ReloadError, Service};
use crate::id::{ClientId, SessionId};
use crate::key::KeyRing;
use crate::session::{EndReason, Transport};
use crate::store::{EndSession, StoreError};
use crate::token::access::AccessError;
use crate::token::refresh::{self as refresh_token, InvalidRefreshToken};

/// Why a token was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// It is another client's.
    #[error("the token belongs to another client")]
    OtherClient,
    /// The keys could not be read again: perhaps it is a token of ours.
    #[error(transparent)]
    Keys(#[from] ReloadError),
    /// Storage failed; the session may live on.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a correctly signed token says of where it belongs.
struct Named {
    session_id: SessionId,
    client_id: ClientId,
}

/// The token names a key that is not known here.
struct UnknownKey;

impl Service {
    /// Ends the session of a client's token, whether that is an access or a refresh token, expired
    /// or not, and says which session it was. A token that is none gives `None`: it cannot be used,
    /// which is all that was asked for (RFC 7009 §2.2).
    pub async fn revoke(
        &self,
        client: &ClientId,
        token: &str,
    ) -> Result<Option<SessionId>, RevokeError> {
        let keys = self.keys();
        let mut named = self.named_by(&keys, token);
        if named.is_err() {
            let keys = self.reload_keys_if_due(keys).await?;
            named = self.named_by(&keys, token);
        }
        let Some(Named {
            session_id,
            client_id,
        }) = named.unwrap_or(None)
        else {
            return Ok(None);
        };
        if client_id != *client {
            return Err(RevokeError::OtherClient);
        }
        let end = EndSession {
            id: session_id,
            of_user: None,
            reason: EndReason::Logout,
            now: self.now(),
        };
        self.parts.store.end_session(end).await?;
        Ok(Some(session_id))
    }

    /// A refresh token that travels in a cookie is none where it comes in a body.
    fn named_by(&self, keys: &KeyRing, token: &str) -> Result<Option<Named>, UnknownKey> {
        match self.parts.verifier.verify_whenever(keys.verifying(), token) {
            Ok(access) => {
                return Ok(Some(Named {
                    session_id: access.session_id,
                    client_id: access.client_id,
                }));
            }
            Err(AccessError::UnknownKey) => return Err(UnknownKey),
            Err(_) => {}
        }
        let issuer = &self.parts.mint.issuer;
        match refresh_token::verify_whenever(issuer, keys.refresh(), token) {
            Ok(presented) if presented.transport == Transport::Body => Ok(Some(Named {
                session_id: presented.session_id,
                client_id: presented.client_id,
            })),
            Err(InvalidRefreshToken::UnknownKey) => Err(UnknownKey),
            Ok(_) | Err(InvalidRefreshToken::Invalid | InvalidRefreshToken::Expired) => Ok(None),
        }
    }
}
