//! Access tokens, as they come and genuinely signed over whatever comes.
//!
//! The first byte says which: a token that nobody signed for us is refused; one that was signed is
//! accepted only if an independent reading of its parts says so. The verifier that remembers gives
//! the answer of the one that does not, and a token that was accepted is refused when a bit of it
//! is changed.

#![no_main]

use std::sync::LazyLock;

use fuzz::access::{GENUINE, KEYS, sign, verifier};
use fuzz::{AUDIENCE, ISSUER, LIFETIME, NOW};
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};
use token_core::time::Timestamp;
use token_core::token::access::CachingVerifier;

static REMEMBERING: LazyLock<CachingVerifier> = LazyLock::new(|| CachingVerifier::new(verifier()));

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else {
        return;
    };
    if mode % 2 == 0 {
        let token = String::from_utf8_lossy(rest);
        let is_genuine = token == GENUINE.as_str();
        assert_eq!(is_accepted(&token), is_genuine, "nobody signed it");
        return;
    }
    let at = rest.iter().position(|byte| *byte == 0);
    let (header, claims) = rest.split_at(at.unwrap_or(rest.len()));
    let claims = claims.get(1..).unwrap_or_default();
    let token = sign(header, claims);
    if is_accepted(&token) {
        assert!(token.len() <= 8 * 1024, "size limits hold");
        assert!(is_right(header, claims), "signed, and nothing else");
        let mut spoiled = token.into_bytes();
        let place = usize::from(*mode) * 251 % spoiled.len();
        spoiled[place] ^= 1 << (mode / 2 % 7);
        let spoiled = String::from_utf8_lossy(&spoiled);
        assert!(!is_accepted(&spoiled), "changed, and accepted");
    }
});

/// The verdict, which three ways of asking have to share.
fn is_accepted(token: &str) -> bool {
    let now = Timestamp::from_unix_seconds(NOW);
    let plain = verifier().verify(&KEYS, token, now);
    for _ in 0..2 {
        let remembered = REMEMBERING.verify(&KEYS, token, now);
        let remembered = remembered.map(|access| (*access).clone());
        assert_eq!(remembered, plain, "memory differs");
    }
    plain.is_ok()
}

/// Whether the parts say what a good token says, read with another library's rules.
fn is_right(header: &[u8], claims: &[u8]) -> bool {
    let (Ok(header), Ok(claims)) = (object(header), object(claims)) else {
        return false;
    };
    let is = |name: &str, value: &str| claims.get(name).and_then(Value::as_str) == Some(value);
    let seconds = |name: &str| claims.get(name).and_then(Value::as_i64);
    let typ = header.get("typ").and_then(Value::as_str).unwrap_or("");
    let typ = typ.to_ascii_lowercase();
    let for_us = match claims.get("aud") {
        Some(Value::Array(all)) => all.iter().any(|one| one == AUDIENCE),
        one => one.and_then(Value::as_str) == Some(AUDIENCE),
    };
    let in_time = seconds("exp").is_some_and(|exp| NOW < exp)
        && seconds("iat").is_some_and(|iat| (NOW - LIFETIME + 1..=NOW + 60).contains(&iat))
        && seconds("nbf").is_none_or(|nbf| nbf <= NOW + 60);
    ["at+jwt", "application/at+jwt"].contains(&typ.as_str())
        && header.get("alg").and_then(Value::as_str) == Some("HS256")
        && ["crit", "b64", "zip", "enc"]
            .iter()
            .all(|name| !header.contains_key(*name))
        && is("iss", ISSUER)
        && for_us
        && in_time
        && ["sub", "sid", "jti", "client_id"].iter().all(|name| {
            claims
                .get(*name)
                .and_then(Value::as_str)
                .is_some_and(|text| !text.is_empty())
        })
}

fn object(json: &[u8]) -> serde_json::Result<Map<String, Value>> {
    serde_json::from_slice(json)
}
