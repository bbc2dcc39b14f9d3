//! The access-token verifier against hostile tokens (YARDSTICK group A), each signed with the real
//! key where a signature is not the point.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod claims;
mod frame;
mod fuzz;
mod header;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use token_core::key::{AccessAlgorithm, AccessKey, VerificationKeys};
use token_core::time::{Lifetime, Timestamp};
use token_core::token::access::{AccessError, AccessVerifier, VerifierPolicy};

const ISSUER: &str = "https://id.example";
const AUDIENCE: &str = "https://api.example";
const NOW: i64 = 1_800_000_000;
const SECRET: &str = "Yx3-kQ9vTz1LrP0wNe7uHs5dCj2mBg8a";

/// An issuer whose tokens a test can bend.
struct Issuer {
    pkcs8: Vec<u8>,
    key: AccessKey,
}

impl Issuer {
    fn new() -> Self {
        let pkcs8 = AccessAlgorithm::Es256.generate();
        let key = AccessKey::from_pkcs8(AccessAlgorithm::Es256, &pkcs8).unwrap();
        Self { pkcs8, key }
    }

    fn keys(&self) -> VerificationKeys {
        VerificationKeys::new(vec![self.key.verifying().clone()])
    }

    fn header(&self) -> Value {
        json!({"typ": "at+jwt", "alg": "ES256", "kid": self.key.kid().as_str()})
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        let input = format!("{}.{}", b64(header), b64(claims));
        let key = EncodingKey::from_ec_der(&self.pkcs8);
        let signature =
            jsonwebtoken::crypto::sign(input.as_bytes(), &key, Algorithm::ES256).unwrap();
        format!("{input}.{signature}")
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(&self.header().to_string(), &claims.to_string())
    }

    fn with_header(&self, header: &Value) -> String {
        self.sign(&header.to_string(), &claims().to_string())
    }

    fn verdict(&self, token: &str) -> Result<(), AccessError> {
        self.verdict_at(token, NOW)
    }

    fn verdict_at(&self, token: &str, seconds: i64) -> Result<(), AccessError> {
        let now = Timestamp::from_unix_seconds(seconds);
        verifier().verify(&self.keys(), token, now).map(|_| ())
    }
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn verifier() -> AccessVerifier {
    let policy = VerifierPolicy::new(ISSUER, AUDIENCE)
        .unwrap()
        .with_leeway(Lifetime::ZERO)
        .unwrap()
        .with_max_lifetime(Lifetime::from_seconds(900));
    AccessVerifier::new(policy)
}

fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "sub": "0190b0a0-0000-7000-8000-000000000001",
        "aud": AUDIENCE,
        "exp": NOW + 900,
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

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}
