//! The whole corpus of hostile tokens against the verifier, for every algorithm that it knows.
//!
//! Here the clock stands still and every reason is known, so a case is held to be refused for its
//! own fault. The same corpus goes through the running programs in the end-to-end tests and
//! through other libraries in `cargo xtask differential`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus;
mod damage;
mod key_sets;
mod unique;

use forge::insider::Insider;
use forge::outsider::Outsider;
use forge::{Algorithm, Case, Key, Verdict, Why, insider, outsider, token};
use serde_json::{Value, json};
use token_core::key::{AccessKey, SigningSecret, VerificationKeys};
use token_core::time::{Lifetime, Timestamp};
use token_core::token::access::{AccessError, AccessVerifier, VerifierPolicy};
use token_core::token::jws::JwsError;

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "https://api.example";
/// 2027-01-15T08:00:00Z.
const NOW: i64 = 1_800_000_000;
const LIFETIME: u32 = 900;

/// A verifier's keys, and the key behind them.
struct Issuer {
    key: Key,
    keys: VerificationKeys,
}

impl Issuer {
    fn new(algorithm: Algorithm) -> Self {
        let key = Key::generate(algorithm);
        match key.jwk() {
            Some(jwk) => {
                let set = json!({ "keys": [jwk] }).to_string();
                let keys = VerificationKeys::from_jwks(&set).unwrap();
                Self { key, keys }
            }
            None => Self::with_secret(&key),
        }
    }

    /// The key ring of an installation names a secret by what is derived from it.
    fn with_secret(key: &Key) -> Self {
        let secret = key.secret_bytes().unwrap();
        let parsed = SigningSecret::parse(str::from_utf8(secret).unwrap()).unwrap();
        let own = AccessKey::from_secret(&parsed);
        Self {
            key: Key::secret(own.kid().as_str(), secret),
            keys: VerificationKeys::new(vec![own.verifying().clone()]),
        }
    }

    /// A good token.
    fn token(&self) -> String {
        let header = token::header(&self.key).to_string();
        token::sign(&self.key, header, claims().to_string())
    }

    /// Every case of the corpus that this key and a stranger can make.
    fn cases(&self) -> Vec<Case> {
        let claims = claims();
        let mut cases = insider::cases(&Insider {
            key: &self.key,
            claims: &claims,
            now: NOW,
            lifetime: LIFETIME.into(),
            frozen: true,
        });
        cases.extend(outsider::cases(&Outsider {
            token: &self.token(),
            jwk: self.key.jwk().as_ref(),
            key: &Key::generate(self.key.algorithm()),
            elsewhere: "https://elsewhere.example",
        }));
        cases
    }

    fn verify(&self, token: &str) -> Result<(), AccessError> {
        let now = Timestamp::from_unix_seconds(NOW);
        verifier().verify(&self.keys, token, now).map(|_| ())
    }

    fn verdict(&self, token: &str) -> Verdict {
        match self.verify(token) {
            Ok(()) => Verdict::Accepted,
            Err(error) => Verdict::Refused(why(error)),
        }
    }
}

/// The strictest verifier there is: no leeway, and a bound on the age of tokens.
fn verifier() -> AccessVerifier {
    let policy = VerifierPolicy::new(ISSUER, AUDIENCE)
        .unwrap()
        .with_leeway(Lifetime::ZERO)
        .unwrap()
        .with_max_lifetime(Lifetime::from_seconds(LIFETIME));
    AccessVerifier::new(policy)
}

fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "sub": "0190b0a0-0000-7000-8000-000000000001",
        "aud": AUDIENCE,
        "exp": NOW + i64::from(LIFETIME),
        "iat": NOW,
        "jti": "kq3Zc0n9Yl5m0Qw1",
        "client_id": "renewd",
        "sid": "0190b0a0-0000-7000-8000-000000000002",
        "scope": "",
        "roles": ["editor"],
        "auth_time": NOW - 60,
        "amr": ["pwd"],
        "email": "ann@example.com",
    })
}

/// The forge's word for what the verifier says.
fn why(error: AccessError) -> Why {
    match error {
        AccessError::Jws(JwsError::TooLong) => Why::TooLong,
        AccessError::Jws(JwsError::Malformed) => Why::Malformed,
        AccessError::Jws(JwsError::UnsupportedHeader) => Why::Extension,
        AccessError::Jws(JwsError::BadSignature) => Why::Signature,
        AccessError::Type => Why::Type,
        AccessError::UnknownKey => Why::Key,
        AccessError::Claim(_) => Why::Claim,
        AccessError::Issuer => Why::Issuer,
        AccessError::Audience => Why::Audience,
        AccessError::NotYet => Why::NotYet,
        AccessError::Expired => Why::Expired,
    }
}

/// Whether the verdict is the expected one.
fn agrees(expected: Verdict, found: Verdict) -> bool {
    const DAMAGED: Verdict = Verdict::Refused(Why::Damaged);
    let is_damage = |found| {
        // A damaged header can also ask for another key or type.
        [Why::Malformed, Why::Signature, Why::Key, Why::Type]
            .map(Verdict::Refused)
            .contains(&found)
    };
    expected == found || expected == DAMAGED && is_damage(found)
}
