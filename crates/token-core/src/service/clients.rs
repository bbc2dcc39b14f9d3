//! Registered clients: who they are, and tokens for themselves.

use std::net::IpAddr;

use super::Service;
use crate::client::{ClientSecret, RegisteredClient, Scope};
use crate::id::{ClientId, SessionId};
use crate::session::{Session, SessionState};
use crate::store::{ReplaceClientSession, StoreError};
use crate::throttle::RetryAfter;
use crate::time::Timestamp;
use crate::token::access::MintedAccess;

/// Who a client says it is.
#[derive(Debug, Clone)]
pub struct PresentedClient {
    /// Its `client_id`, as it was sent.
    pub id: String,
    /// Its secret, if one was sent.
    pub secret: Option<ClientSecret>,
    /// Where it calls from.
    pub address: Option<IpAddr>,
}

/// A client that is what it says, as far as that can be known.
#[derive(Debug, Clone)]
pub enum AuthenticatedClient {
    /// The built-in client, which is public: anybody may say so.
    FirstParty,
    /// A registered one, on proof of its secret.
    Registered(Box<RegisteredClient>),
}

impl AuthenticatedClient {
    /// The `client_id`.
    pub fn id(&self) -> ClientId {
        match self {
            Self::FirstParty => ClientId::first_party(),
            Self::Registered(client) => client.id.clone(),
        }
    }

    /// The registered client, if it is one.
    pub fn registered(&self) -> Option<&RegisteredClient> {
        match self {
            Self::FirstParty => None,
            Self::Registered(client) => Some(client),
        }
    }
}

/// Why a client is not let in.
#[derive(Debug, thiserror::Error)]
pub enum ClientRefused {
    /// No such client, another secret, or none where one is needed: nobody learns which.
    #[error("the client's credentials are wrong")]
    Invalid,
    /// Too many wrong secrets.
    #[error("too many attempts")]
    Throttled(RetryAfter),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A token for a client itself.
#[derive(Debug, Clone)]
pub struct ClientToken {
    /// The token.
    pub access: MintedAccess,
    /// Its scope.
    pub scope: Scope,
}

/// Why a client gets no token for itself.
#[derive(Debug, thiserror::Error)]
pub enum ClientTokenError {
    /// More was asked for than the client may have.
    #[error("the scope exceeds the client's")]
    InvalidScope,
    /// The client was deleted a moment ago.
    #[error("the client is gone")]
    Gone,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service {
    /// Finds out whether a client is what it says.
    pub async fn authenticate_client(
        &self,
        presented: PresentedClient,
    ) -> Result<AuthenticatedClient, ClientRefused> {
        let PresentedClient {
            id,
            secret,
            address,
        } = presented;
        let (id, secret) = match (ClientId::parse_registered(&id), secret) {
            (Some(id), Some(secret)) => (id, secret),
            (None, None) if id == ClientId::first_party().as_str() => {
                return Ok(AuthenticatedClient::FirstParty);
            }
            (Some(_), None) | (None, _) => return Err(ClientRefused::Invalid),
        };
        let digest = secret.digest();
        let found = self.parts.store.client(id).await?;
        if let Some(client) = found.filter(|client| client.secret == digest) {
            return Ok(AuthenticatedClient::Registered(Box::new(client)));
        }
        let throttle = &self.parts.throttle;
        throttle
            .wrong_secret(address)
            .map_err(ClientRefused::Throttled)?;
        Err(ClientRefused::Invalid)
    }

    /// A token for a client itself (RFC 6749 §4.4), for as much as was asked for, or else for all
    /// that the client may have.
    pub async fn client_token(
        &self,
        client: &RegisteredClient,
        asked: Option<Scope>,
    ) -> Result<ClientToken, ClientTokenError> {
        let now = self.now();
        let scope = asked.unwrap_or_else(|| client.scope.clone());
        if !scope.is_within(&client.scope) {
            return Err(ClientTokenError::InvalidScope);
        }
        let session = self.live_session_of(client, now).await?;
        let keys = self.keys();
        let entropy = self.parts.entropy.as_ref();
        let access = self.parts.mint.mint_for_client(
            keys.access(),
            (&client.id, &session),
            &scope,
            now,
            entropy,
        );
        Ok(ClientToken { access, scope })
    }

    /// The session that ends with the client; see [`Self::client_token`].
    pub async fn session_of_client(
        &self,
        client: &RegisteredClient,
    ) -> Result<SessionId, ClientTokenError> {
        let session = self.live_session_of(client, self.now()).await?;
        Ok(session.id)
    }

    /// The session of the client's own tokens. One that has ended, because such a token was
    /// revoked or an admin wished so, gets a successor: the client is as welcome as a user who
    /// logs in again.
    async fn live_session_of(
        &self,
        client: &RegisteredClient,
        now: Timestamp,
    ) -> Result<Session, ClientTokenError> {
        let store = &self.parts.store;
        let found = store.session(client.session_id).await?;
        let live = |session: &Session| session.state(now) == SessionState::Live;
        if let Some(session) = found.map(|(session, _)| session).filter(live) {
            return Ok(session);
        }
        let entropy = self.parts.entropy.as_ref();
        let replace = ReplaceClientSession {
            client_id: client.id.clone(),
            ended: client.session_id,
            fresh: Session::of_client(&client.id, &client.scope, now, entropy),
        };
        let replaced = store.replace_client_session(replace).await?;
        let replaced = replaced.ok_or(ClientTokenError::Gone)?;
        let found = store.session(replaced).await?;
        found
            .map(|(session, _)| session)
            .ok_or(ClientTokenError::Gone)
    }
}
