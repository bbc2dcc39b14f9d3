//! Tokens taken apart and altered; hostile ones come from the crate `forge`.

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

/// The RFC 7638 thumbprint of an EC key.
pub fn thumbprint(jwk: &Value) -> String {
    let members = format!(
        r#"{{"crv":{},"kty":{},"x":{},"y":{}}}"#,
        jwk["crv"], jwk["kty"], jwk["x"], jwk["y"]
    );
    encode(digest::digest(&digest::SHA256, members.as_bytes()))
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
