//! Refresh: a refresh token for a new pair, by one conditional write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{ReloadError, Service, TokenPair};
use crate::client::Scope;
use crate::id::{ClientId, SessionId};
use crate::key::KeyRing;
use crate::session::{ClientFacts, EndReason, Transport};
use crate::store::{AuditEvent, AuditKind, StoreError};
use crate::time::Timestamp;
use crate::token::chain;
use crate::token::refresh::{self as refresh_token, InvalidRefreshToken};
use crate::token::rotation::{Granted, Presented, Refusal, Rotation, RotationOutcome};

/// A refresh.
#[derive(Debug, Clone)]
pub struct RefreshRequest<'a> {
    /// The refresh token.
    pub token: &'a str,
    /// How it came.
    pub transport: Transport,
    /// What is known of the client.
    pub client: ClientFacts,
}

/// A refresh that gave tokens.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// The tokens to use from now on.
    pub pair: TokenPair,
    /// How it came by them.
    pub way: RefreshWay,
    /// Something for the audit log, to be [recorded](Service::record) after the answer: it must
    /// neither delay nor fail what writes nothing otherwise.
    pub audit: Option<AuditEvent>,
}

/// How a refresh came by its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshWay {
    /// The token was replaced by its successor.
    Rotated,
    /// The token had been replaced a moment ago: the same successor again.
    Replayed,
    /// The token had been replaced long ago, which the policy forgives: the same successor again.
    Recovered,
    /// The token was made a moment ago: the same one again.
    Repeated,
}

impl Refreshed {
    /// Whether the refresh token is another one than was presented. If not, a cookie answer leaves
    /// the refresh cookie alone: a slow tab must not put an older token back.
    pub fn is_successor(&self) -> bool {
        self.way != RefreshWay::Repeated
    }
}

/// Why a refresh gives no tokens.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// Not a token that can refresh anything.
    #[error("the refresh token is invalid")]
    Invalid,
    /// Genuine, past its `exp`.
    #[error("the refresh token has expired")]
    TokenExpired,
    /// More was asked for than the session is for; the token is as good as before.
    #[error("the scope exceeds the session's")]
    InvalidScope,
    /// Used long ago: the session is ended now.
    #[error("the refresh token was used before")]
    Reused,
    /// The session was ended; why is for the log only.
    #[error("the session has ended")]
    SessionEnded(Option<EndReason>),
    /// The token is newer than the database, which has lost something: the session is ended now.
    #[error("the refresh token is newer than its session")]
    StateLost,
    /// The session's idle or absolute end has passed.
    #[error("the session has expired")]
    SessionExpired,
    /// The row kept changing.
    #[error("too many refreshes of one session at once")]
    Contended,
    /// The keys could not be read again.
    #[error(transparent)]
    Keys(#[from] ReloadError),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<InvalidRefreshToken> for RefreshError {
    fn from(error: InvalidRefreshToken) -> Self {
        match error {
            InvalidRefreshToken::Expired => Self::TokenExpired,
            InvalidRefreshToken::Invalid | InvalidRefreshToken::UnknownKey => Self::Invalid,
        }
    }
}

impl Service {
    /// Rotates a refresh token of the built-in client.
    pub async fn refresh(&self, request: RefreshRequest<'_>) -> Result<Refreshed, RefreshError> {
        self.refresh_for(&ClientId::first_party(), None, request)
            .await
    }

    /// Rotates a refresh token of that client. The access token is for as much as was asked for,
    /// or else for all that the session is (RFC 6749 §6); the session's scope stays what it is.
    pub async fn refresh_for(
        &self,
        client: &ClientId,
        asked: Option<Scope>,
        request: RefreshRequest<'_>,
    ) -> Result<Refreshed, RefreshError> {
        let now = self.now();
        let mut keys = self.keys();
        let mut presented = self.presented(&keys, &request, client, now);
        if presented == Err(InvalidRefreshToken::UnknownKey) {
            keys = self.reload_keys_if_due(keys).await?;
            presented = self.presented(&keys, &request, client, now);
        }
        let presented = presented?;
        if let Some(asked) = &asked {
            self.check_scope(&presented, asked).await?;
        }
        let mut outcome = self.rotate(&keys, &presented, now).await?;
        if matches!(outcome, RotationOutcome::Refused(Refusal::UnknownKey)) {
            keys = self.reload_keys().await?;
            outcome = self.rotate(&keys, &presented, now).await?;
        }
        let (granted, way) = match outcome {
            RotationOutcome::Advanced(granted) => (granted, RefreshWay::Rotated),
            RotationOutcome::Recovered(granted) => (granted, RefreshWay::Recovered),
            RotationOutcome::Replayed(granted) => (granted, RefreshWay::Replayed),
            RotationOutcome::Repeated(granted) => (granted, RefreshWay::Repeated),
            RotationOutcome::Refused(refusal) => return Err(refused(refusal)),
        };
        let audit = match way {
            RefreshWay::Rotated | RefreshWay::Recovered => None,
            RefreshWay::Replayed | RefreshWay::Repeated => {
                self.seen_elsewhere(&granted, &request.client, now)
            }
        };
        let secret = if way == RefreshWay::Repeated {
            presented.secret
        } else {
            granted
                .successor_secret(keys.refresh(), &presented)
                .ok_or(RefreshError::Invalid)?
        };
        let Granted { mut session, user } = *granted;
        if let Some(asked) = asked {
            session.scope = asked.to_string();
        }
        let pair = self
            .pair(&keys, session, &user, &secret, now)
            .ok_or(RefreshError::Invalid)?;
        Ok(Refreshed { pair, way, audit })
    }

    fn presented(
        &self,
        keys: &KeyRing,
        request: &RefreshRequest<'_>,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Presented, InvalidRefreshToken> {
        let issuer = &self.parts.mint.issuer;
        refresh_token::verify(
            issuer,
            keys.refresh(),
            request.token,
            request.transport,
            client,
            now,
        )
    }

    /// Refuses to widen a session's scope, before its token is spent. The scope of a session never
    /// changes, so that it can be read beforehand. What else is wrong with the token is for the
    /// rotation to say.
    async fn check_scope(&self, presented: &Presented, asked: &Scope) -> Result<(), RefreshError> {
        let found = self.parts.store.session(presented.session_id).await?;
        let Some((session, _)) = found else {
            return Ok(());
        };
        let granted = Scope::parse(&session.scope)
            .map_err(|_| StoreError::Damaged("sessions.scope".to_owned()))?;
        if asked.is_within(&granted) {
            Ok(())
        } else {
            Err(RefreshError::InvalidScope)
        }
    }

    async fn rotate(
        &self,
        keys: &KeyRing,
        presented: &Presented,
        now: Timestamp,
    ) -> Result<RotationOutcome, StoreError> {
        let refresh_keys = Arc::clone(keys.refresh());
        let rotation = Rotation {
            presented_digest: presented.secret.digest(),
            successor: chain::successor(
                refresh_keys.active(),
                presented.session_id,
                presented.generation,
                &presented.secret,
            ),
            presented: presented.clone(),
            now,
            audit_id: self.new_audit_id(now),
            policy: Arc::clone(&self.policy),
            outages: self.outages.outages_at(now),
            keys: refresh_keys,
        };
        let outcome = self.parts.store.rotate(rotation).await;
        match &outcome {
            Ok(_) => self.outages.committed(now),
            Err(_) => self.outages.commit_failed(),
        }
        outcome
    }

    /// A thief inside the window looks like a retry; what gives it away is where it comes from.
    /// Said once of a session's generation.
    fn seen_elsewhere(
        &self,
        granted: &Granted,
        client: &ClientFacts,
        now: Timestamp,
    ) -> Option<AuditEvent> {
        let Granted { session, user } = granted;
        let same_agent = session.client.user_agent == client.user_agent;
        let is_elsewhere = session.client.ip != client.ip || !same_agent;
        if !is_elsewhere || !self.elsewhere.is_new(session.id, session.generation) {
            return None;
        }
        let address = client
            .ip
            .map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
        let generation = session.generation;
        Some(AuditEvent {
            id: self.new_audit_id(now),
            at: now,
            kind: AuditKind::ReplayedElsewhere,
            user_id: Some(user.id),
            session_id: Some(session.id),
            detail: format!("generation={generation} address={address} same_agent={same_agent}"),
        })
    }

    /// Appends to the audit log.
    pub async fn record(&self, event: AuditEvent) -> Result<(), StoreError> {
        self.parts.store.record(event).await
    }
}

/// For which generation of a session a replay from elsewhere was last noted.
#[derive(Debug, Default)]
pub(super) struct Elsewhere(Mutex<HashMap<SessionId, u64>>);

impl Elsewhere {
    /// More sessions than are replayed from elsewhere at a time; beyond it some are noted twice.
    const MOST: usize = 10_000;

    fn is_new(&self, session: SessionId, generation: u64) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= Self::MOST {
            noted.clear();
        }
        noted.insert(session, generation) != Some(generation)
    }
}

const fn refused(refusal: Refusal) -> RefreshError {
    match refusal {
        Refusal::Invalid | Refusal::UnknownKey => RefreshError::Invalid,
        Refusal::Revoked(reason) => RefreshError::SessionEnded(reason),
        Refusal::StateLost => RefreshError::StateLost,
        Refusal::Expired => RefreshError::SessionExpired,
        Refusal::Reused => RefreshError::Reused,
        Refusal::Contended => RefreshError::Contended,
    }
}
