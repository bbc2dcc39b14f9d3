//! Access tokens signed with a fixed secret, and a verifier of them.

use std::sync::LazyLock;

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use token_core::encoding::base64url;
use token_core::key::{AccessKey, SigningSecret, VerificationKey, VerificationKeys};
use token_core::time::Lifetime;
use token_core::token::access::{AccessVerifier, VerifierPolicy};

use crate::{AUDIENCE, ISSUER, LIFETIME, NOW, SECRET};

/// The one key.
pub static KEYS: LazyLock<VerificationKeys> = LazyLock::new(|| {
    let secret = SigningSecret::parse(SECRET).expect("a strong secret");
    VerificationKeys::new(vec![VerificationKey::from_secret(&secret)])
});

/// The strictest verifier there is.
pub fn verifier() -> AccessVerifier {
    let seconds = u32::try_from(LIFETIME).expect("a short lifetime");
    let policy = VerifierPolicy::new(ISSUER, AUDIENCE)
        .and_then(|policy| policy.with_leeway(Lifetime::ZERO))
        .expect("a policy")
        .with_max_lifetime(Lifetime::from_seconds(seconds));
    AccessVerifier::new(policy)
}

/// A token with these parts, genuinely signed.
pub fn sign(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    let input = format!("{}.{}", base64url(header), base64url(claims));
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &key, Algorithm::HS256);
    format!("{input}.{}", signature.expect("a secret always signs"))
}

/// The header of a good token. An installation names its secret by what is derived from it.
pub static HEADER: LazyLock<String> = LazyLock::new(|| {
    let secret = SigningSecret::parse(SECRET).expect("a strong secret");
    let key = AccessKey::from_secret(&secret);
    format!(
        r#"{{"typ":"at+jwt","alg":"HS256","kid":"{}"}}"#,
        key.kid().as_str()
    )
});

/// The claims of a good token of that session, issued at that second.
pub fn claims(session: &str, audience: &str, issued_at: i64) -> Value {
    json!({
        "iss": ISSUER,
        "sub": "0190b0a0-0000-7000-8000-000000000001",
        "aud": audience,
        "exp": issued_at + LIFETIME,
        "iat": issued_at,
        "jti": "kq3Zc0n9Yl5m0Qw1",
        "client_id": "renewd",
        "sid": session,
        "scope": "read write",
        "roles": ["editor"],
        "auth_time": issued_at - 60,
        "amr": ["pwd"],
        "email": "ann@example.com",
    })
}

/// A good token.
pub static GENUINE: LazyLock<String> = LazyLock::new(|| {
    let claims = claims("0190b0a0-0000-7000-8000-000000000002", AUDIENCE, NOW);
    sign(&*HEADER, claims.to_string())
});
