//! Introspection (RFC 7662): what a token is worth at this moment, by the database's word.

use super::{ReloadError, Service};
use crate::client::RegisteredClient;
use crate::key::KeyRing;
use crate::secret::SecretString;
use crate::session::{Session, SessionState, Transport};
use crate::store::StoreError;
use crate::time::Timestamp;
use crate::token::access::{AccessError, VerifiedAccess};
use crate::token::introspection::{ActiveToken, Introspection};
use crate::token::refresh::{self as refresh_token, InvalidRefreshToken};
use crate::token::rotation::Presented;
use crate::token::subject::Subject;
use crate::user::User;

/// Why it cannot be said what a token is worth.
#[derive(Debug, thiserror::Error)]
pub enum IntrospectError {
    /// The keys could not be read again: perhaps it is a token of ours.
    #[error(transparent)]
    Keys(#[from] ReloadError),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A genuine token in its time, or none.
enum Known {
    Access(Box<VerifiedAccess>),
    Refresh(Box<Presented>),
    Nothing,
}

/// The token names a key that is not known here.
struct UnknownKey;

impl Service {
    /// Says whether a token is active, and what it says if it is. Nothing is remembered between
    /// calls. A client learns of access tokens of any client, and of refresh tokens of its own.
    pub async fn introspect(
        &self,
        client: &RegisteredClient,
        token: &str,
    ) -> Result<Introspection, IntrospectError> {
        let now = self.now();
        let keys = self.keys();
        let mut known = self.recognize(&keys, client, token, now);
        if known.is_err() {
            let keys = self.reload_keys_if_due(keys).await?;
            known = self.recognize(&keys, client, token, now);
        }
        Ok(match known {
            Ok(Known::Access(access)) => self.introspect_access(*access, now).await?,
            Ok(Known::Refresh(presented)) => self.introspect_refresh(*presented, now).await?,
            Ok(Known::Nothing) | Err(UnknownKey) => Introspection::inactive(),
        })
    }

    /// What a token is, as far as it tells by itself.
    fn recognize(
        &self,
        keys: &KeyRing,
        client: &RegisteredClient,
        token: &str,
        now: Timestamp,
    ) -> Result<Known, UnknownKey> {
        match self.parts.verifier.verify(keys.verifying(), token, now) {
            Ok(access) => return Ok(Known::Access(Box::new(access))),
            Err(AccessError::UnknownKey) => return Err(UnknownKey),
            Err(_) => {}
        }
        let issuer = &self.parts.mint.issuer;
        let (transport, id) = (Transport::Body, &client.id);
        match refresh_token::verify(issuer, keys.refresh(), token, transport, id, now) {
            Ok(presented) => Ok(Known::Refresh(Box::new(presented))),
            Err(InvalidRefreshToken::UnknownKey) => Err(UnknownKey),
            Err(InvalidRefreshToken::Invalid | InvalidRefreshToken::Expired) => Ok(Known::Nothing),
        }
    }

    /// Signs an answer for the client that asked (RFC 9701 §5). `None` where access tokens are
    /// signed with a shared secret: what anybody who knows that could have signed proves nothing.
    pub fn sign_introspection(
        &self,
        answer: &Introspection,
        client: &RegisteredClient,
    ) -> Option<SecretString> {
        let keys = self.keys();
        let key = keys.access();
        key.public()?;
        let issuer = &self.parts.mint.issuer;
        Some(answer.sign(key, issuer, &client.id, self.now()))
    }

    async fn introspect_access(
        &self,
        access: VerifiedAccess,
        now: Timestamp,
    ) -> Result<Introspection, StoreError> {
        let found = self.parts.store.session(access.session_id).await?;
        let Some((session, user)) = found.filter(|(session, _)| is_live(session, now)) else {
            return Ok(Introspection::inactive());
        };
        let user = user.filter(User::is_active);
        let is_its_subject = match (&access.subject, &user) {
            (Subject::User(id), Some(user)) => session.user_id == *id && user.id == *id,
            (Subject::User(_), None) => false,
            // Its session ends with it.
            (Subject::Client(_), user) => user.is_none(),
        };
        if !is_its_subject || session.client_id != access.client_id {
            return Ok(Introspection::inactive());
        }
        let issuer = self.parts.mint.issuer.clone();
        let audience = self.parts.mint.audience.clone();
        let token = ActiveToken::of_access(access, user.as_ref(), issuer, audience);
        Ok(Introspection::active(token))
    }

    async fn introspect_refresh(
        &self,
        presented: Presented,
        now: Timestamp,
    ) -> Result<Introspection, StoreError> {
        let found = self.parts.store.session(presented.session_id).await?;
        Ok(match found {
            Some((session, Some(user)))
                if is_live(&session, now)
                    && user.is_active()
                    && session.user_id == presented.user_id
                    && session.client_id == presented.client_id
                    && session.generation == presented.generation
                    && session.refresh_digest == presented.secret.digest() =>
            {
                let issuer = self.parts.mint.issuer.clone();
                Introspection::active(ActiveToken::of_refresh(&session, &user, issuer))
            }
            Some(_) | None => Introspection::inactive(),
        })
    }
}

fn is_live(session: &Session, now: Timestamp) -> bool {
    session.state(now) == SessionState::Live
}
