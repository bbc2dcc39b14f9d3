//! Login: a password against a stored hash, then a session, unless something changed meanwhile.

use std::net::IpAddr;

use super::{Service, TokenPair};
use crate::client::RegisteredClient;
use crate::id::{SessionId, UserId};
use crate::key::KeyRing;
use crate::password::{HashingBusy, PasswordHash, PresentedPassword, Verification};
use crate::secret::RefreshSecret;
use crate::session::{ClientFacts, NewSession, Session, Transport};
use crate::store::{OpenOutcome, OpenSession, StoreError};
use crate::throttle::{AccountKey, RetryAfter};
use crate::time::Timestamp;
use crate::user::{Credentials, Identifier, User};

/// A login.
#[derive(Debug, Clone)]
pub struct LoginRequest {
    /// Who.
    pub identifier: Identifier,
    /// Proof.
    pub password: PresentedPassword,
    /// How the tokens will travel.
    pub transport: Transport,
    /// Whether cookies outlive the browser's session.
    pub remember: bool,
    /// What is known of the client.
    pub client: ClientFacts,
    /// Sessions whose cookies the answer overwrites.
    pub replaces: Vec<SessionId>,
}

/// A login that succeeded.
#[derive(Debug, Clone)]
pub struct LoggedIn {
    /// The first tokens of the session.
    pub pair: TokenPair,
    /// Who logged in.
    pub user: User,
    /// Work for after the answer.
    pub renewal: Option<HashRenewal>,
}

/// The hash was made at another cost than the one configured now; see [`Service::renew_hash`].
#[derive(Debug, Clone)]
pub struct HashRenewal {
    user_id: UserId,
    password: PresentedPassword,
    old: PasswordHash,
}

/// Why a login fails.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// Nobody of that name, another password, or the account is disabled: nobody learns which.
    #[error("the credentials are wrong")]
    InvalidCredentials,
    /// Too many attempts.
    #[error("too many attempts")]
    Throttled(RetryAfter),
    /// Too many passwords are being checked.
    #[error(transparent)]
    Busy(#[from] HashingBusy),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service {
    /// Logs in. Exactly one password hash is computed before any answer but the throttle's.
    pub async fn login(&self, request: LoginRequest) -> Result<LoggedIn, LoginError> {
        self.login_through(None, request).await
    }

    /// Logs in, through a registered client if one is given: the session is that client's, for all
    /// that the client may have. All users of such a client come from its address, so attempts
    /// are counted by account alone.
    pub async fn login_through(
        &self,
        through: Option<&RegisteredClient>,
        request: LoginRequest,
    ) -> Result<LoggedIn, LoginError> {
        let found = self
            .parts
            .store
            .credentials(request.identifier.clone())
            .await?;
        let account = match &found {
            Some(credentials) => AccountKey::User(credentials.user_id),
            None => AccountKey::Unknown(request.identifier),
        };
        let stored = found.as_ref().map(|c| c.password_hash.clone());
        let address = request.client.ip.filter(|_| through.is_none());
        let verification = self
            .check_password(&account, address, request.password.clone(), stored)
            .await?;
        // A disabled user's right password ends here like any wrong one: what storage would have to
        // say of it takes time, which would tell that it was right.
        let active = found.filter(|credentials| credentials.is_active);
        let (Some(mut credentials), Verification::Right { mut outdated }) = (active, verification)
        else {
            return Err(LoginError::InvalidCredentials);
        };
        let keys = self.keys();
        let now = self.now();
        let secret = RefreshSecret::generate(self.parts.entropy.as_ref());
        let new = NewSession {
            user_id: credentials.user_id,
            transport: request.transport,
            remember: request.remember,
            client: request.client,
        };
        let mut session = self.new_session(new, &secret, &keys, now);
        if let Some(client) = through {
            session.client_id = client.id.clone();
            session.scope = client.scope.to_string();
        }
        let open = |verified_hash| OpenSession {
            session: session.clone(),
            verified_hash,
            replaces: request.replaces.clone(),
            per_user: self.policy.per_user,
        };
        let store = &self.parts.store;
        let mut opened = store
            .open_session(open(credentials.password_hash.clone()))
            .await?;
        if matches!(opened, OpenOutcome::Refused) {
            let (again, verdict) = self.verify_again(&credentials, &request.password).await?;
            (credentials, outdated) = (again, verdict);
            opened = store
                .open_session(open(credentials.password_hash.clone()))
                .await?;
        }
        let OpenOutcome::Opened(user, place) = opened else {
            return Err(LoginError::InvalidCredentials);
        };
        session.status = Some(place);
        self.parts.throttle.succeeded(&account, address);
        let renewal = outdated.then(|| HashRenewal {
            user_id: credentials.user_id,
            password: request.password,
            old: credentials.password_hash,
        });
        let pair = self.pair(&keys, session, &user, &secret, now);
        let pair = pair.ok_or_else(|| StoreError::Damaged("the active key vanished".to_owned()))?;
        Ok(LoggedIn {
            pair,
            user: *user,
            renewal,
        })
    }

    /// The hash that was verified is not the user's any more. If another has taken its place, it
    /// may be the same password's at another cost, which a parallel login has just written.
    async fn verify_again(
        &self,
        before: &Credentials,
        password: &PresentedPassword,
    ) -> Result<(Credentials, bool), LoginError> {
        let found = self.parts.store.credentials_of(before.user_id).await?;
        let changed = found.filter(|now| now.password_hash != before.password_hash);
        let credentials = changed.ok_or(LoginError::InvalidCredentials)?;
        let stored = Some(credentials.password_hash.clone());
        match self.parts.hashing.verify(password.clone(), stored).await? {
            Verification::Right { outdated } => Ok((credentials, outdated)),
            Verification::Wrong => Err(LoginError::InvalidCredentials),
        }
    }

    /// Writes the hash of a password that was just found right at the cost that is configured now.
    /// Called after the login was answered, so that raising the cost does not show in its time.
    pub async fn renew_hash(&self, renewal: HashRenewal) -> Result<(), LoginError> {
        let new = self.parts.hashing.renew(renewal.password).await?;
        self.parts
            .store
            .renew_hash(renewal.user_id, renewal.old, new)
            .await?;
        Ok(())
    }

    /// Counts an attempt and compares a password: the one way to check a password, so that every
    /// path has the same limit (YARDSTICK S90).
    pub(super) async fn check_password(
        &self,
        account: &AccountKey,
        address: Option<IpAddr>,
        password: PresentedPassword,
        stored: Option<PasswordHash>,
    ) -> Result<Verification, LoginError> {
        self.parts
            .throttle
            .attempt(account, address)
            .map_err(LoginError::Throttled)?;
        Ok(self.parts.hashing.verify(password, stored).await?)
    }

    pub(super) fn new_session(
        &self,
        new: NewSession,
        secret: &RefreshSecret,
        keys: &KeyRing,
        now: Timestamp,
    ) -> Session {
        let kid = keys.refresh().active().kid();
        Session::open(
            new,
            secret,
            kid,
            &self.policy,
            now,
            self.parts.entropy.as_ref(),
        )
    }
}
