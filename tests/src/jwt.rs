//! Tokens taken apart, altered and forged.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Base64url without padding.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The reverse of [`encode`].
pub fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD
        .decode(text)
        .unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

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

/// A token with whatever signature.
pub fn assemble(header: &Value, claims: &Value, signature: &str) -> String {
    format!("{}.{signature}", signing_input(header, claims))
}

/// A token with a good HS256 signature under `secret`.
pub fn sign_hs256(header: &Value, claims: &Value, secret: &[u8]) -> String {
    let input = signing_input(header, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    format!("{input}.{}", encode(tag))
}

/// A key on P-256 that is not the server's.
#[derive(Debug)]
pub struct Forger(EcdsaKeyPair);

impl Forger {
    /// A new key.
    pub fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    /// A token with a good ES256 signature under this key.
    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = signing_input(header, claims);
        let signed = self
            .0
            .sign(&SystemRandom::new(), input.as_bytes())
            .expect("a signature");
        format!("{input}.{}", encode(signed))
    }

    /// The public key as a JWK.
    pub fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) })
    }
}

impl Default for Forger {
    fn default() -> Self {
        Self::new()
    }
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
