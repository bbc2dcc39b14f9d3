//! Verifies the access token of a request with keys that can be replaced while requests run.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use actix_web::HttpRequest;
use token_core::key::VerificationKeys;
use token_core::time::{Clock, SystemClock};
use token_core::token::access::{AccessError, AccessVerifier, VerifiedAccess, VerifierPolicy};

use super::credential::{self, Source};
use super::site;
use crate::problem::{Code, Problem};

/// Decides which requests carry a good access token. Belongs into the application's data.
pub struct Protector {
    verifier: AccessVerifier,
    keys: RwLock<Arc<VerificationKeys>>,
    cookie: Option<AcceptedCookie>,
    clock: Arc<dyn Clock>,
}

/// A cookie whose token counts like a header's.
struct AcceptedCookie {
    name: String,
    origins: Vec<String>,
}

impl Protector {
    /// Accepts what this policy accepts, signed with one of these keys, from the `Authorization`
    /// header.
    pub fn new(policy: VerifierPolicy, keys: VerificationKeys) -> Self {
        Self {
            verifier: AccessVerifier::new(policy),
            keys: RwLock::new(Arc::new(keys)),
            cookie: None,
            clock: Arc::new(SystemClock::default()),
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

    /// Verifies with these keys from now on: the issuer's key set was read again.
    pub fn replace_keys(&self, keys: VerificationKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// The request's access token, verified, or the problem to answer.
    pub fn verify(&self, request: &HttpRequest) -> Result<VerifiedAccess, Problem> {
        let keys = Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner));
        let now = self.clock.now();
        let peek = |token: &str| {
            let access = self.verifier.verify_whenever(&keys, token).ok()?;
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
                return Err(Code::CsrfRejected.into());
            }
        }
        self.verifier
            .verify(&keys, &brought.token, now)
            .map_err(|error| refusal(error).into())
    }
}

impl fmt::Debug for Protector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protector")
            .field("verifier", &self.verifier)
            .finish_non_exhaustive()
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
