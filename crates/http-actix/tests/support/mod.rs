//! What the tests of the library share.

#![expect(clippy::unwrap_used, reason = "tests may panic: that is how they fail")]

use std::time::Duration;

use token_core::id::{ClientId, KeyId, SessionId, UserId};
use token_core::key::{AccessAlgorithm, AccessKey};
use token_core::random::SystemEntropy;
use token_core::secret::RefreshSecret;
use token_core::session::{ClientFacts, Session, Transport};
use token_core::time::{Clock, Lifetime, SystemClock, Timestamp};
use token_core::token::access::{AccessMint, AccessTyp};
use token_core::token::profile::ProfileClaims;
use token_core::user::{Email, FullName, User, Username};

/// Mints tokens as renewd does.
pub(crate) struct Issuer {
    pub(crate) name: String,
    pub(crate) key: AccessKey,
    pub(crate) session: Session,
    user: User,
}

impl Issuer {
    pub(crate) fn new(name: &str, key: AccessKey) -> Self {
        let entropy = SystemEntropy::default();
        let now = SystemClock::default().now();
        let user = User {
            id: UserId::generate(now, &entropy),
            username: Username::parse("ada").unwrap(),
            email: Email::parse("ada@example.com").unwrap(),
            full_name: FullName::parse("Ada").unwrap(),
            email_verified: false,
            roles: Vec::new(),
            created_at: now,
            disabled_at: None,
        };
        let session = Session {
            id: SessionId::generate(now, &entropy),
            user_id: user.id,
            client_id: ClientId::first_party(),
            scope: String::new(),
            generation: 0,
            refresh_digest: RefreshSecret::generate(&entropy).digest(),
            refresh_kid: KeyId::from_trusted("k".to_owned()),
            rotated_at: now,
            recovered_generation: None,
            created_at: now,
            authenticated_at: now,
            expires_at: now.plus(Duration::from_secs(1_000)),
            max_expires_at: now.plus(Duration::from_secs(1_000)),
            ended: None,
            client: ClientFacts::default(),
            transport: Transport::Body,
            remember: true,
            amr: vec!["pwd".to_owned()],
            status: None,
        };
        Self {
            name: name.to_owned(),
            key,
            session,
            user,
        }
    }

    pub(crate) fn token_at(&self, now: Timestamp) -> String {
        let mint = AccessMint {
            issuer: self.name.clone(),
            audience: self.name.clone(),
            typ: AccessTyp::AtJwt,
            lifetime: Lifetime::from_seconds(60),
            profile: ProfileClaims::default(),
        };
        let entropy = SystemEntropy::default();
        let minted = mint.mint(&self.key, &self.session, &self.user, now, &entropy);
        minted.token.expose().to_owned()
    }

    pub(crate) fn token(&self) -> String {
        self.token_at(SystemClock::default().now())
    }
}

pub(crate) fn managed() -> AccessKey {
    let algorithm = AccessAlgorithm::Es256;
    AccessKey::from_pkcs8(algorithm, &algorithm.generate()).unwrap()
}
