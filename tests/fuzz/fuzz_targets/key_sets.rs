//! JWK sets, as an issuer elsewhere may publish them.
//!
//! `{1}` and `{2}` stand for two good keys. A set is read only below its size and with one name for
//! each key; it verifies a token only where that token's key stands in it, and it never takes a key
//! whose private half was published with it.

#![no_main]

use std::sync::LazyLock;

use fuzz::access::{claims, verifier};
use fuzz::{AUDIENCE, NOW};
use jsonwebtoken::{Algorithm, EncodingKey};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use token_core::encoding::base64url;
use token_core::key::{AccessAlgorithm, AccessKey, VerificationKeys};
use token_core::time::Timestamp;

/// A published key, its `x`, and a token that it verifies.
struct Published {
    jwk: String,
    x: String,
    token: String,
}

static KEYS: LazyLock<[Published; 2]> = LazyLock::new(|| {
    [
        published(
            AccessAlgorithm::Es256,
            Algorithm::ES256,
            EncodingKey::from_ec_der,
        ),
        published(
            AccessAlgorithm::EdDsa,
            Algorithm::EdDSA,
            EncodingKey::from_ed_der,
        ),
    ]
});

fn published(
    algorithm: AccessAlgorithm,
    name: Algorithm,
    encoding: fn(&[u8]) -> EncodingKey,
) -> Published {
    let pkcs8 = algorithm.generate();
    let key = AccessKey::from_pkcs8(algorithm, &pkcs8).expect("a key");
    let jwk = serde_json::to_value(key.public()).expect("JSON");
    let header = format!(
        r#"{{"typ":"at+jwt","alg":"{name:?}","kid":{}}}"#,
        jwk["kid"]
    );
    let claims = claims("0190b0a0-0000-7000-8000-000000000002", AUDIENCE, NOW).to_string();
    let input = format!("{}.{}", base64url(header), base64url(claims));
    let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &encoding(&pkcs8), name);
    Published {
        x: jwk["x"].as_str().expect("a coordinate").to_owned(),
        jwk: jwk.to_string(),
        token: format!("{input}.{}", signature.expect("a signature")),
    }
}

fuzz_target!(|data: &[u8]| {
    let mut text = String::from_utf8_lossy(data).into_owned();
    for (at, key) in KEYS.iter().enumerate() {
        text = text.replace(&format!("{{{}}}", at + 1), &key.jwk);
    }
    let Ok(keys) = VerificationKeys::from_jwks(&text) else {
        return;
    };
    assert!(text.len() <= 64 * 1024, "size limits hold");
    let set: Value = serde_json::from_str(&text).expect("JSON");
    let list = set["keys"].as_array().expect("a list");
    let is_private = |key: &Value| ["d", "k", "p"].iter().any(|name| key.get(name).is_some());
    assert!(
        !list.iter().all(is_private),
        "no key is left that could have been taken"
    );
    let now = Timestamp::from_unix_seconds(NOW);
    for key in &*KEYS {
        if verifier().verify(&keys, &key.token, now).is_ok() {
            let has = |one: &&Value| one["x"].as_str() == Some(&key.x);
            assert!(
                list.iter().filter(has).any(|key| !is_private(key)),
                "not in the set"
            );
        }
    }
});
