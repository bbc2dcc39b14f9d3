//! Verification of access tokens: every check that RFC 8725 and RFC 9068 §4 ask for, of which
//! `jsonwebtoken` makes only the signature's.

use serde_json::{Map, Value};

use super::AccessTyp;
use crate::id::{ClientId, SessionId, UserId};
use crate::key::VerificationKeys;
use crate::policy::CLOCK_BOUND;
use crate::time::{Lifetime, Timestamp};
use crate::token::jws::{Compact, JwsError};
use crate::token::subject::Subject;

/// The most leeway there may be: clocks that differ by more are broken (RFC 7519 §4.1.4).
const MAX_LEEWAY: Lifetime = Lifetime::from_seconds(60);
/// The leeway of a verifier that was not told otherwise.
const DEFAULT_LEEWAY: Lifetime = Lifetime::from_seconds(30);

/// What a verifier accepts.
#[derive(Debug, Clone)]
pub struct VerifierPolicy {
    issuer: String,
    audience: String,
    typ: AccessTyp,
    leeway: Lifetime,
    max_lifetime: Option<Lifetime>,
}

/// A policy that no verifier should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPolicy {
    /// More than 60 seconds.
    #[error("the leeway must be at most 60s")]
    Leeway,
    /// Empty.
    #[error("the issuer and the audience must not be empty")]
    Empty,
}

impl VerifierPolicy {
    /// Tokens of this issuer for this audience, of type `at+jwt`, with a leeway of 30 seconds.
    pub fn new(issuer: &str, audience: &str) -> Result<Self, InvalidPolicy> {
        if issuer.is_empty() || audience.is_empty() {
            return Err(InvalidPolicy::Empty);
        }
        Ok(Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            typ: AccessTyp::AtJwt,
            leeway: DEFAULT_LEEWAY,
            max_lifetime: None,
        })
    }

    /// Tokens of another type.
    #[must_use]
    pub const fn with_typ(mut self, typ: AccessTyp) -> Self {
        self.typ = typ;
        self
    }

    /// Another leeway, 60 seconds at most.
    pub fn with_leeway(mut self, leeway: Lifetime) -> Result<Self, InvalidPolicy> {
        if leeway > MAX_LEEWAY {
            return Err(InvalidPolicy::Leeway);
        }
        self.leeway = leeway;
        Ok(self)
    }

    /// A token older than this is expired whatever its `exp` says.
    #[must_use]
    pub const fn with_max_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.max_lifetime = Some(lifetime);
        self
    }
}

/// An access token that was found genuine and in time. Whether its session has ended since is for
/// the [revocation set](crate::revocation) to say.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedAccess {
    /// The `sub` claim: a user, or a client that speaks for itself.
    pub subject: Subject,
    /// The `sid` claim.
    pub session_id: SessionId,
    /// The `client_id` claim.
    pub client_id: ClientId,
    /// The `jti` claim.
    pub jti: String,
    /// The `iat` claim.
    pub issued_at: Timestamp,
    /// The `nbf` claim, or the `iat` claim if that is later.
    pub not_before: Timestamp,
    /// The `exp` claim.
    pub expires_at: Timestamp,
    /// The `scope` claim.
    pub scope: String,
    /// The `roles` claim.
    pub roles: Vec<String>,
    /// The `auth_time` claim.
    pub authenticated_at: Option<Timestamp>,
    /// The `amr` claim.
    pub amr: Vec<String>,
    /// All other claims: the profile that the issuer's operator chose.
    pub profile: Map<String, Value>,
}

impl VerifiedAccess {
    /// The user whom the token speaks for; `None` if it speaks for a client alone.
    pub const fn user_id(&self) -> Option<UserId> {
        self.subject.user_id()
    }
}

/// Why an access token is refused. `Expired` is said only of a token that is right otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// Not a compact JWS, or one that asks for what is not supported.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// Another `typ`.
    #[error("the token is of another type")]
    Type,
    /// No key of that name, or the key is for another algorithm.
    #[error("no key of that name and algorithm")]
    UnknownKey,
    /// A claim is missing or of the wrong type.
    #[error("the claim `{0}` is missing or malformed")]
    Claim(&'static str),
    /// Another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// Another audience.
    #[error("the token is for another audience")]
    Audience,
    /// `nbf` or `iat` lies in the future.
    #[error("the token is not valid yet")]
    NotYet,
    /// Its time has passed.
    #[error("the token has expired")]
    Expired,
}

/// Verifies access tokens of one issuer for one audience.
#[derive(Debug, Clone)]
pub struct AccessVerifier {
    policy: VerifierPolicy,
}

impl AccessVerifier {
    /// A verifier with this policy.
    pub const fn new(policy: VerifierPolicy) -> Self {
        Self { policy }
    }

    /// Verifies a token at `now` with these keys.
    pub fn verify(
        &self,
        keys: &VerificationKeys,
        token: &str,
        now: Timestamp,
    ) -> Result<VerifiedAccess, AccessError> {
        let access = self.verify_whenever(keys, token)?;
        let leeway = self.policy.leeway.as_duration();
        // Clocks of one installation differ by less than the bound; `iat` is rounded down.
        if access.not_before > now.plus(leeway.max(CLOCK_BOUND)) {
            return Err(AccessError::NotYet);
        }
        // RFC 7519 §4.1.4: not accepted on or after `exp`.
        if now >= access.expires_at.plus(leeway) {
            return Err(AccessError::Expired);
        }
        match self.policy.max_lifetime {
            Some(max) if now.since(access.issued_at) >= max.as_duration() + leeway => {
                Err(AccessError::Expired)
            }
            Some(_) | None => Ok(access),
        }
    }

    /// Verifies everything but the time: enough to log out with.
    pub fn verify_whenever(
        &self,
        keys: &VerificationKeys,
        token: &str,
    ) -> Result<VerifiedAccess, AccessError> {
        let compact = Compact::parse(token)?;
        if !compact.has_typ(self.policy.typ.as_str()) {
            return Err(AccessError::Type);
        }
        let key = keys
            .find(compact.kid(), compact.alg())
            .ok_or(AccessError::UnknownKey)?;
        let claims = compact.verify(key.algorithm(), key.decoding())?;
        self.check_claims(claims)
    }

    fn check_claims(&self, members: Map<String, Value>) -> Result<VerifiedAccess, AccessError> {
        let mut claims = Claims(members);
        if claims.text("iss")? != self.policy.issuer {
            return Err(AccessError::Issuer);
        }
        if !claims.audience()?.contains(&self.policy.audience) {
            return Err(AccessError::Audience);
        }
        let issued_at = claims.time("iat")?.ok_or(AccessError::Claim("iat"))?;
        let expires_at = claims.time("exp")?.ok_or(AccessError::Claim("exp"))?;
        let not_before = claims.time("nbf")?.unwrap_or(issued_at);
        let client_id = ClientId::from_trusted(claims.text("client_id")?);
        let subject = Subject::from_claims(&claims.text("sub")?, &client_id)
            .ok_or(AccessError::Claim("sub"))?;
        let access = VerifiedAccess {
            subject,
            session_id: claims
                .text("sid")?
                .parse()
                .map_err(|_| AccessError::Claim("sid"))?,
            client_id,
            jti: claims.text("jti")?,
            issued_at,
            not_before: not_before.max(issued_at),
            expires_at,
            scope: claims.optional_text("scope")?.unwrap_or_default(),
            roles: claims.list("roles")?,
            authenticated_at: claims.time("auth_time")?,
            amr: claims.list("amr")?,
            profile: claims.0,
        };
        if access.jti.is_empty() {
            return Err(AccessError::Claim("jti"));
        }
        Ok(access)
    }
}

/// Members on their way out of a token; what is left in the end is the profile.
struct Claims(Map<String, Value>);

impl Claims {
    fn text(&mut self, name: &'static str) -> Result<String, AccessError> {
        self.optional_text(name)?.ok_or(AccessError::Claim(name))
    }

    fn optional_text(&mut self, name: &'static str) -> Result<Option<String>, AccessError> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(AccessError::Claim(name)),
        }
    }

    /// A `NumericDate`: an integer, since renewd writes no other, and not negative.
    fn time(&mut self, name: &'static str) -> Result<Option<Timestamp>, AccessError> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(value) => value
                .as_i64()
                .filter(|seconds| (0..=MAX_SECONDS).contains(seconds))
                .map(|seconds| Some(Timestamp::from_unix_seconds(seconds)))
                .ok_or(AccessError::Claim(name)),
        }
    }

    fn list(&mut self, name: &'static str) -> Result<Vec<String>, AccessError> {
        match self.0.remove(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items
                .into_iter()
                .map(|item| match item {
                    Value::String(text) => Ok(text),
                    _ => Err(AccessError::Claim(name)),
                })
                .collect(),
            Some(_) => Err(AccessError::Claim(name)),
        }
    }

    /// One audience or several (RFC 7519 §4.1.3).
    fn audience(&mut self) -> Result<Vec<String>, AccessError> {
        match self.0.remove("aud") {
            Some(Value::String(one)) => Ok(vec![one]),
            Some(several @ Value::Array(_)) => {
                self.0.insert("aud".to_owned(), several);
                self.list("aud")
            }
            None | Some(_) => Err(AccessError::Claim("aud")),
        }
    }
}

/// 9999-12-31T23:59:59Z.
const MAX_SECONDS: i64 = 253_402_300_799;
