//! The use cases, one a file, over the ports.
//!
//! A use case takes parsed values, returns an outcome that says what to answer, and knows neither
//! HTTP nor SQL. Each takes its `now` once, before it touches storage.

mod account;
mod authenticate;
mod clients;
mod following;
mod introspect;
mod keys;
mod login;
mod logout;
mod maintenance;
mod password;
mod refresh;
mod register;
mod revoke;
mod sessions;
mod status;

use std::sync::{Arc, RwLock};

pub use account::ProfileError;
pub use authenticate::{AccessRefused, Authenticated, StateError};
pub use clients::{
    AuthenticatedClient, ClientRefused, ClientToken, ClientTokenError, PresentedClient,
};
pub use following::{EndedSessions, Heard, Knowledge};
pub use introspect::IntrospectError;
pub use keys::{KeySettings, KeysDue, ReloadError};
pub use login::{HashRenewal, LoggedIn, LoginError, LoginRequest};
pub use logout::{LogoutError, LogoutRequest};
pub use maintenance::Polled;
pub use password::PasswordError;
pub use refresh::{RefreshError, RefreshRequest, RefreshWay, Refreshed};
pub use register::{RegisterError, Registration};
pub use revoke::RevokeError;
pub use sessions::OwnSessionError;
pub use status::StatusListFound;

use crate::id::AuditId;
use crate::key::{KeyRing, KeyRingError, KeySources};
use crate::password::{PasswordHashing, PasswordPolicy};
use crate::policy::{RegistrationPolicy, SessionPolicy};
use crate::random::Entropy;
use crate::revocation::RevocationSet;
use crate::secret::{RefreshSecret, SecretString};
use crate::session::{OutageTracker, Session};
use crate::store::{Store, StoreError};
use crate::throttle::PasswordThrottle;
use crate::time::{Clock, Timestamp};
use crate::token::access::{AccessMint, AccessVerifier, CachingVerifier, MintedAccess};
use crate::token::profile::ProfileClaims;
use crate::token::refresh as refresh_token;
use crate::user::User;

/// What a service is made of.
pub struct Parts {
    /// Where everything is stored.
    pub store: Arc<dyn Store>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where random bytes come from.
    pub entropy: Arc<dyn Entropy>,
    /// Where keys come from.
    pub keys: KeySources,
    /// How long they live.
    pub key_settings: KeySettings,
    /// Mints access tokens; its issuer is that of refresh tokens too.
    pub mint: AccessMint,
    /// Verifies access tokens.
    pub verifier: AccessVerifier,
    /// Lifetimes and rules.
    pub policy: SessionPolicy,
    /// What passwords must have.
    pub passwords: PasswordPolicy,
    /// Who may make accounts.
    pub registration: RegistrationPolicy,
    /// Hashes passwords.
    pub hashing: Arc<dyn PasswordHashing>,
    /// Slows guessing down.
    pub throttle: Arc<dyn PasswordThrottle>,
    /// Sessions that ended recently.
    pub revocations: Arc<RevocationSet>,
}

/// Everything renewd does.
pub struct Service {
    parts: Parts,
    verifier: CachingVerifier,
    policy: Arc<SessionPolicy>,
    ring: RwLock<Arc<KeyRing>>,
    outages: OutageTracker,
    feed: maintenance::Feed,
    reload: keys::Reload,
    readings: keys::Readings,
    needed: keys::Needed,
    retired: keys::Retired,
    elsewhere: refresh::Elsewhere,
}

/// The service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stored keys cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
}

/// What a client gets: two tokens, and what there is to say about them.
#[derive(Debug, Clone)]
pub struct TokenPair {
    /// The access token.
    pub access: MintedAccess,
    /// The refresh token.
    pub refresh: SecretString,
    /// The session as it stands.
    pub session: Session,
    /// The moment from which the client counts: when the request came in.
    pub now: Timestamp,
}

impl Service {
    /// Makes the keys that are missing, opens all of them, sees to the key of a newly configured
    /// algorithm, and looks up how long storage was left alone.
    pub async fn start(parts: Parts) -> Result<Self, StartError> {
        let now = parts.clock.now();
        // Asked before anything is sealed with it: keys of a wrong master key would stay.
        let stored = parts.store.keys().await?;
        parts.keys.check_master(&stored)?;
        let missing = parts.keys.missing(&stored, now, parts.entropy.as_ref());
        let mut stored = parts.store.add_missing_keys(missing).await?;
        if parts.keys.access_secret.is_none() {
            stored = keys::switch_algorithm(&parts, stored).await?;
        }
        let ring = KeyRing::open(&parts.keys, &stored)?;
        parts.hashing.use_peppers(Arc::clone(ring.peppers()));
        let retired = keys::Retired::among(&parts.store.all_keys().await?);
        let heartbeat = parts.store.heartbeat().await?;
        Ok(Self {
            verifier: CachingVerifier::new(parts.verifier.clone()),
            policy: Arc::new(parts.policy.clone()),
            ring: RwLock::new(Arc::new(ring)),
            outages: OutageTracker::at_start(heartbeat, now),
            feed: maintenance::Feed::default(),
            reload: keys::Reload::default(),
            readings: keys::Readings::default(),
            needed: keys::Needed::default(),
            retired,
            elsewhere: refresh::Elsewhere::default(),
            parts,
        })
    }

    /// The operator's rules.
    pub fn policy(&self) -> &SessionPolicy {
        &self.policy
    }

    /// What passwords must have.
    pub const fn password_policy(&self) -> &PasswordPolicy {
        &self.parts.passwords
    }

    /// The `iss` of every token.
    pub fn issuer(&self) -> &str {
        &self.parts.mint.issuer
    }

    /// What access tokens say of their users.
    pub const fn profile_claims(&self) -> &ProfileClaims {
        &self.parts.mint.profile
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    fn new_audit_id(&self, now: Timestamp) -> AuditId {
        AuditId::generate(now, self.parts.entropy.as_ref())
    }

    /// Mints both tokens of a session as its row stands.
    fn pair(
        &self,
        keys: &KeyRing,
        session: Session,
        user: &User,
        secret: &RefreshSecret,
        now: Timestamp,
    ) -> Option<TokenPair> {
        let key = keys.refresh().get(session.refresh_kid.as_str())?;
        let refresh = refresh_token::mint(&self.parts.mint.issuer, key, &session, secret);
        let access = self.mint_access(keys, &session, user, now);
        Some(TokenPair {
            access,
            refresh,
            session,
            now,
        })
    }

    fn mint_access(
        &self,
        keys: &KeyRing,
        session: &Session,
        user: &User,
        now: Timestamp,
    ) -> MintedAccess {
        let entropy = self.parts.entropy.as_ref();
        self.parts
            .mint
            .mint(keys.access(), session, user, now, entropy)
    }
}

impl TokenPair {
    /// Whole seconds until the access token expires, counted from its `iat`.
    pub fn access_seconds(&self) -> u64 {
        self.access.seconds()
    }

    /// Whole seconds until the refresh token expires, counted like its `exp`.
    pub fn refresh_seconds(&self) -> u64 {
        self.session
            .expires_at
            .since(self.now.floor_to_second())
            .as_secs()
    }
}
