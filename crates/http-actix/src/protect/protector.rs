//! Verifies the access token of a request, with keys that can change while requests run.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use actix_web::HttpRequest;
use token_core::jwks::{JwksClient, NoKeys};
use token_core::key::VerificationKeys;
use token_core::revocation::{RevocationSet, Verdict};
use token_core::time::{Clock, SystemClock};
use token_core::token::access::{
    AccessError, AccessVerifier, CachingVerifier, VerifiedAccess, VerifierPolicy,
};

use super::credential::{self, Source};
use super::site;
use crate::problem::{Code, Problem};

/// Decides which requests carry a good access token. Belongs into the application's data.
pub struct Protector {
    verifier: CachingVerifier,
    keys: Keys,
    revocations: Option<Arc<RevocationSet>>,
    cookie: Option<AcceptedCookie>,
    clock: Arc<dyn Clock>,
    /// What has to live as long as this does.
    #[cfg(feature = "jwks-client")]
    workers: Option<super::remote::Workers>,
}

/// Where keys come from.
enum Keys {
    /// From whoever made the protector.
    Held(RwLock<Arc<VerificationKeys>>),
    /// From their issuer.
    Fetched(JwksClient),
}

/// A cookie whose token counts like a header's.
struct AcceptedCookie {
    name: String,
    origins: Vec<String>,
}

/// Why a request is refused.
enum Refusal {
    /// For what it brought, or did not bring.
    Request(Code),
    /// For its token.
    Token(AccessError),
}

impl Protector {
    /// Accepts what this policy accepts, signed with one of these keys, from the `Authorization`
    /// header.
    pub fn new(policy: VerifierPolicy, keys: VerificationKeys) -> Self {
        Self::with_keys(policy, Keys::Held(RwLock::new(Arc::new(keys))))
    }

    /// Likewise, with the keys that this client has. A token that names another one is held back
    /// until the client has looked for it; while there are no keys at all, requests with a token
    /// are answered with `keys_unknown`.
    pub fn fetching(policy: VerifierPolicy, keys: JwksClient) -> Self {
        Self::with_keys(policy, Keys::Fetched(keys))
    }

    fn with_keys(policy: VerifierPolicy, keys: Keys) -> Self {
        Self {
            verifier: CachingVerifier::new(AccessVerifier::new(policy)),
            keys,
            revocations: None,
            cookie: None,
            clock: Arc::new(SystemClock::default()),
            #[cfg(feature = "jwks-client")]
            workers: None,
        }
    }

    /// Accepts the token from a cookie of this name too. Browsers send cookies for any page, so a
    /// request that can change something (any method but GET, HEAD, OPTIONS and TRACE) is refused
    /// with `csrf_rejected` unless it comes from this service's own pages or from one of these
    /// origins, written as browsers write them: `https://app.example.com`.
    #[must_use]
    pub fn with_cookie(mut self, name: &str, origins: &[&str]) -> Self {
        self.cookie = Some(AcceptedCookie {
            name: name.to_owned(),
            origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
        });
        self
    }

    /// Uses another clock than the machine's.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Asks this set at every request whether the token's session has ended. `clock` is the one
    /// that the set is kept with.
    #[must_use]
    pub fn with_revocations(mut self, set: Arc<RevocationSet>, clock: Arc<dyn Clock>) -> Self {
        self.revocations = Some(set);
        self.with_clock(clock)
    }

    #[cfg(feature = "jwks-client")]
    pub(super) fn keeping(mut self, workers: super::remote::Workers) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Verifies with these keys from now on: the issuer's key set was read again. A protector that
    /// [fetches](Self::fetching) its keys goes by what it fetches.
    pub fn replace_keys(&self, keys: VerificationKeys) {
        if let Keys::Held(held) = &self.keys {
            *held.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        }
    }

    /// The request's access token, verified, or the problem to answer.
    pub async fn verify(&self, request: &HttpRequest) -> Result<Arc<VerifiedAccess>, Problem> {
        let known = match &self.keys {
            Keys::Held(held) => {
                let held = held.read().unwrap_or_else(PoisonError::into_inner);
                Some(Arc::clone(&held))
            }
            Keys::Fetched(client) => client.keys().ok(),
        };
        let verdict = match &known {
            Some(keys) => self.verify_with(keys, request),
            // What is wrong with the request itself is said without any key.
            None => self.verify_with(&VerificationKeys::default(), request),
        };
        let verdict = match (verdict, &self.keys) {
            (Err(Refusal::Token(AccessError::UnknownKey)), Keys::Fetched(client)) => {
                match client.look_again(known.as_ref()).await {
                    Ok(Some(keys)) => self.verify_with(&keys, request),
                    Ok(None) => Err(Refusal::Token(AccessError::UnknownKey)),
                    // It may be a good token whose key is new: not for us to send anybody away.
                    Err(NoKeys) => Err(Refusal::Request(Code::KeysUnknown)),
                }
            }
            (verdict, _) => verdict,
        };
        let access = verdict.map_err(Code::from)?;
        match &self.revocations {
            None => Ok(access),
            Some(set) => match set.verdict(access.session_id, self.clock.monotonic()) {
                Verdict::NotEnded => Ok(access),
                Verdict::Ended => Err(Code::SessionRevoked.into()),
                Verdict::Unknown => Err(Code::RevocationUnknown.into()),
            },
        }
    }

    fn verify_with(
        &self,
        keys: &VerificationKeys,
        request: &HttpRequest,
    ) -> Result<Arc<VerifiedAccess>, Refusal> {
        let now = self.clock.now();
        let peek = |token: &str| {
            let access = self.verifier.verifier().verify_whenever(keys, token).ok()?;
            Some((access.session_id, access.issued_at))
        };
        let headers = request.headers();
        let name = self.cookie.as_ref().map(|cookie| cookie.name.as_str());
        let brought = credential::access(headers, name, peek)
            .map_err(Code::from)?
            .ok_or(Code::AccessTokenMissing)?;
        if brought.source == Source::Cookie && !site::is_safe(request.method()) {
            let is_allowed = |origin: &str| {
                let cookie = self.cookie.as_ref();
                cookie.is_some_and(|c| c.origins.iter().any(|allowed| allowed == origin))
            };
            if !site::may_use_cookies(headers, is_allowed) {
                return Err(Refusal::Request(Code::CsrfRejected));
            }
        }
        self.verifier
            .verify(keys, &brought.token, now)
            .map_err(Refusal::Token)
    }
}

impl fmt::Debug for Protector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protector")
            .field("verifier", &self.verifier)
            .finish_non_exhaustive()
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self::Request(code)
    }
}

impl From<Refusal> for Code {
    fn from(refused: Refusal) -> Self {
        match refused {
            Refusal::Request(code) => code,
            Refusal::Token(error) => refusal(error),
        }
    }
}

/// What a client is told of a refused access token: only that it expired, if it is right otherwise.
#[deny(clippy::wildcard_enum_match_arm)]
pub(crate) const fn refusal(error: AccessError) -> Code {
    match error {
        AccessError::Expired => Code::AccessTokenExpired,
        AccessError::Jws(_)
        | AccessError::Type
        | AccessError::UnknownKey
        | AccessError::Claim(_)
        | AccessError::Issuer
        | AccessError::Audience
        | AccessError::NotYet => Code::AccessTokenInvalid,
    }
}
