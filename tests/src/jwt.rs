//! Tokens taken apart and altered; hostile ones come from the crate `forge`.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use aws_lc_rs::{digest, hmac};
use serde_json::Value;

pub use forge::token::{decode, encode};

/// The header of a token.
pub fn header(token: &str) -> Value {
    segment(token, 0)
}

/// The claims of a token.
pub fn claims(token: &str) -> Value {
    segment(token, 1)
}

/// One integer claim.
pub fn integer(token: &str, claim: &str) -> i64 {
    let claims = claims(token);
    claims[claim]
        .as_i64()
        .unwrap_or_else(|| panic!("{claim} in {claims}"))
}

/// A claim that is a time, in seconds since 1970.
pub fn time(token: &str, claim: &str) -> f64 {
    let claims = claims(token);
    claims[claim]
        .as_f64()
        .unwrap_or_else(|| panic!("{claim} in {claims}"))
}

/// The signature's text.
pub fn signature(token: &str) -> &str {
    token.rsplit('.').next().expect("a signature")
}

fn segment(token: &str, index: usize) -> Value {
    let text = token
        .split('.')
        .nth(index)
        .unwrap_or_else(|| panic!("no segment {index}: {token}"));
    serde_json::from_slice(&decode(text)).expect("a segment of JSON")
}

/// The text that is signed.
pub fn signing_input(header: &Value, claims: &Value) -> String {
    format!(
        "{}.{}",
        encode(header.to_string()),
        encode(claims.to_string())
    )
}

/// A token with a good HS256 signature under `secret`.
pub fn sign_hs256(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let input = signing_input(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    format!("{input}.{}", encode(tag))
}

/// The RFC 7638 thumbprint of a public key.
///
/// # Panics
/// With a type of key that no server here has.
pub fn thumbprint(jwk: &Value) -> String {
    let required: &[&str] = match jwk["kty"].as_str() {
        Some("EC") => &["crv", "kty", "x", "y"],
        Some("OKP") => &["crv", "kty", "x"],
        Some("RSA") => &["e", "kty", "n"],
        other => panic!("kty {other:?}"),
    };
    let members: Vec<String> = required
        .iter()
        .map(|name| format!("\"{name}\":{}", jwk[name]))
        .collect();
    let members = format!("{{{}}}", members.join(","));
    encode(digest::digest(&digest::SHA256, members.as_bytes()))
}

/// Whether one of these public keys verifies the signature, as a library does that knows nothing
/// but the set: the key that the header names, by the algorithm of that key.
pub fn is_signed_by_one_of(token: &str, keys: &[Value]) -> bool {
    let header = header(token);
    let Some(key) = keys.iter().find(|key| key["kid"] == header["kid"]) else {
        return false;
    };
    if key["alg"] != header["alg"] {
        return false;
    }
    let part = |name: &str| decode(key[name].as_str().expect("a member of the key"));
    let (input, signature) = token.rsplit_once('.').expect("a signature");
    let (input, signature) = (input.as_bytes(), decode(signature));
    match key["alg"].as_str() {
        Some("ES256") => {
            let point = [vec![4], part("x"), part("y")].concat();
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                .verify(input, &signature)
                .is_ok()
        }
        Some("EdDSA") => UnparsedPublicKey::new(&ED25519, part("x"))
            .verify(input, &signature)
            .is_ok(),
        Some("RS256") => {
            let (n, e) = (part("n"), part("e"));
            RsaPublicKeyComponents { n, e }
                .verify(&RSA_PKCS1_2048_8192_SHA256, input, &signature)
                .is_ok()
        }
        _ => false,
    }
}

/// SHA-256 in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    digest::digest(&digest::SHA256, bytes)
        .as_ref()
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
