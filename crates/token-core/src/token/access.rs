//! Access tokens in the shape of RFC 9068: minted here, verified here or by any JWT library.

mod cache;
mod claims;
mod verify;

pub use cache::CachingVerifier;
pub use claims::AccessClaims;
pub use verify::{AccessError, AccessVerifier, InvalidPolicy, VerifiedAccess, VerifierPolicy};

use serde_json::Map;

use crate::client::Scope;
use crate::encoding;
use crate::id::ClientId;
use crate::key::AccessKey;
use crate::random::{self, Entropy};
use crate::secret::SecretString;
use crate::session::Session;
use crate::time::{Lifetime, Timestamp};
use crate::token::profile::ProfileClaims;
use crate::token::status_list::StatusClaim;
use crate::token::subject::Subject;
use crate::user::User;

/// The `typ` header of access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessTyp {
    /// `at+jwt` (RFC 9068 §2.1), which no other kind of token has.
    AtJwt,
    /// `JWT`, for verifiers that know no other.
    Jwt,
}

impl AccessTyp {
    /// The header's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtJwt => "at+jwt",
            Self::Jwt => "JWT",
        }
    }
}

/// Mints access tokens.
#[derive(Debug, Clone)]
pub struct AccessMint {
    /// The `iss` claim.
    pub issuer: String,
    /// The `aud` claim.
    pub audience: String,
    /// The `typ` header.
    pub typ: AccessTyp,
    /// How long a token is accepted, unless its session ends before.
    pub lifetime: Lifetime,
    /// What it says of its user.
    pub profile: ProfileClaims,
}

/// A fresh access token.
#[derive(Debug, Clone)]
pub struct MintedAccess {
    /// The token.
    pub token: SecretString,
    /// Its `iat`.
    pub issued_at: Timestamp,
    /// Its `exp`.
    pub expires_at: Timestamp,
}

impl MintedAccess {
    /// Whole seconds until it expires, counted from its `iat`.
    pub fn seconds(&self) -> u64 {
        self.expires_at.since(self.issued_at).as_secs()
    }
}

impl AccessMint {
    /// Mints a token for a session. `now` was taken before the database was touched, so that no
    /// token can claim to be younger than the state it speaks of.
    pub fn mint(
        &self,
        key: &AccessKey,
        session: &Session,
        user: &User,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> MintedAccess {
        let (issued_at, expires_at) = self.life(session, now);
        let claims = AccessClaims {
            iss: self.issuer.clone(),
            sub: Subject::User(user.id),
            aud: self.audience.clone(),
            exp: expires_at.unix_seconds(),
            iat: issued_at.unix_seconds(),
            jti: encoding::base64url(random::bytes::<16>(entropy)),
            client_id: session.client_id.clone(),
            sid: session.id,
            scope: session.scope.clone(),
            roles: user.roles.iter().map(|r| r.as_str().to_owned()).collect(),
            auth_time: Some(session.authenticated_at.unix_seconds()),
            amr: session.amr.clone(),
            status: self.status(session),
            profile: self.profile.of(user),
        };
        self.signed(key, &claims, (issued_at, expires_at))
    }

    /// `iat` and `exp` of a token minted for a session: none outlives its session's absolute end.
    pub fn life(&self, session: &Session, now: Timestamp) -> (Timestamp, Timestamp) {
        let issued_at = now.floor_to_second();
        let expires_at = issued_at
            .plus(self.lifetime.as_duration())
            .min(session.max_expires_at);
        (issued_at, expires_at)
    }

    /// Mints a token in which a client speaks for itself: its subject is the client (RFC 9068
    /// §2.2), and its session is the client's own.
    pub fn mint_for_client(
        &self,
        key: &AccessKey,
        (client, session): (&ClientId, &Session),
        scope: &Scope,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> MintedAccess {
        let issued_at = now.floor_to_second();
        let expires_at = issued_at.plus(self.lifetime.as_duration());
        let claims = AccessClaims {
            iss: self.issuer.clone(),
            sub: Subject::Client(client.clone()),
            aud: self.audience.clone(),
            exp: expires_at.unix_seconds(),
            iat: issued_at.unix_seconds(),
            jti: encoding::base64url(random::bytes::<16>(entropy)),
            client_id: client.clone(),
            sid: session.id,
            scope: scope.to_string(),
            roles: Vec::new(),
            auth_time: None,
            amr: Vec::new(),
            status: self.status(session),
            profile: Map::new(),
        };
        self.signed(key, &claims, (issued_at, expires_at))
    }

    fn status(&self, session: &Session) -> Option<StatusClaim> {
        let place = session.status?;
        Some(StatusClaim::new(&self.issuer, place))
    }

    fn signed(
        &self,
        key: &AccessKey,
        claims: &AccessClaims,
        (issued_at, expires_at): (Timestamp, Timestamp),
    ) -> MintedAccess {
        MintedAccess {
            token: key.sign(self.typ.as_str(), claims).into(),
            issued_at,
            expires_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{ClientName, RegisteredClient};
    use crate::key::AccessAlgorithm;
    use crate::random::testing::CountingEntropy;
    use crate::token::status_list::StatusPlace;

    #[test]
    fn a_token_says_how_long_it_lives_and_where_its_status_is() {
        let entropy = CountingEntropy::default();
        let now = Timestamp::from_micros(1_800_000_000_250_000);
        let name = ClientName::parse("billing").unwrap();
        let scope = Scope::parse("read").unwrap();
        let (client, mut session, _) =
            RegisteredClient::register(name, scope.clone(), now, &entropy);
        session.status = Some(StatusPlace { list: 7, index: 42 });
        let mint = AccessMint {
            issuer: "https://id.example".to_owned(),
            audience: "https://api.example".to_owned(),
            typ: AccessTyp::AtJwt,
            lifetime: Lifetime::from_seconds(900),
            profile: ProfileClaims::default(),
        };
        let es256 = AccessAlgorithm::Es256;
        let key = AccessKey::from_pkcs8(es256, &es256.generate()).unwrap();
        let minted = mint.mint_for_client(&key, (&client.id, &session), &scope, now, &entropy);
        assert_eq!(minted.seconds(), 900);
        let mut parts = minted.token.expose().split('.');
        let [header, claims] = [(); 2].map(|()| {
            let part = encoding::decode_base64url(parts.next().unwrap()).unwrap();
            serde_json::from_slice::<serde_json::Value>(&part).unwrap()
        });
        assert_eq!(header["typ"], "at+jwt");
        let status = &claims["status"]["status_list"];
        assert_eq!(status["idx"], 42);
        assert_eq!(status["uri"], "https://id.example/oauth2/status/7");
    }
}
