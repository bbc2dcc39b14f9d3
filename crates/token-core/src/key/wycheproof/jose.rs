//! Whole tokens: Wycheproof's JWS, JWK and JWE sets.

use std::fs;
use std::path::PathBuf;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};

use super::{Differences, Explained, Verdict};
use crate::encoding;
use crate::id::KeyId;
use crate::key::{VerificationKey, VerificationKeys};
use crate::token::jws::{Compact, JwsError};

const EXPLAINED: [Explained; 8] = [
    Explained {
        set: "signature",
        because: "RS384, RS512, PS256, PS384, PS512 and ES512 are not among the algorithms here",
        accepted: false,
        tests: |id| matches!(id, 264..=328 | 346 | 347 | 350 | 351),
    },
    Explained {
        set: "signature",
        because: "the vectors speak of a wrong padding that their text does not have: it is the \
                  canonical token of that key, rightly signed",
        accepted: true,
        tests: |id| matches!(id, 367 | 370),
    },
    Explained {
        set: "signature",
        because: "the vectors call a token valid that has a question mark in its base64url; RFC \
                  7515 §2 does not",
        accepted: false,
        tests: |id| matches!(id, 372 | 373),
    },
    Explained {
        set: "key",
        because: "a secret is configured, and never taken from a key set",
        accepted: false,
        tests: |id| matches!(id, 2 | 13),
    },
    Explained {
        set: "key",
        because: "HS384 and HS512 are not among the algorithms here",
        accepted: false,
        tests: |id| matches!(id, 14 | 15),
    },
    Explained {
        set: "key",
        because: ROCA,
        accepted: true,
        tests: |id| id == 7,
    },
    Explained {
        set: "crypto",
        because: "a secret is configured, and never taken from a key set",
        accepted: false,
        tests: |id| id == 48,
    },
    Explained {
        set: "crypto",
        because: ROCA,
        accepted: true,
        tests: |id| id == 46,
    },
];

/// CVE-2017-15361.
const ROCA: &str = "the key was made by a broken smart card. Here keys come from the issuer that \
    the verifier trusts, which makes them itself with AWS-LC; whose key set can be written to can \
    be given any key, a sound one too";

/// The sets, or `None`, and told, where nobody brought them.
#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by its environment where the vectors are"
)]
fn directory() -> Option<PathBuf> {
    let directory = std::env::var_os("RENEWD_TEST_WYCHEPROOF").map(PathBuf::from);
    if directory.is_none() {
        println!("skipped: no Wycheproof JOSE sets; `cargo xtask differential` brings them");
    }
    directory
}

/// The groups of a set.
fn groups(directory: &std::path::Path, set: &str) -> Vec<Value> {
    let path = directory.join(format!("json_web_{set}_test.json"));
    let text = fs::read_to_string(&path).unwrap();
    let set: Value = serde_json::from_str(&text).unwrap();
    set["testGroups"].as_array().unwrap().clone()
}

/// The keys of a group, as an operator would hand them over: key sets by their document, a secret
/// by configuration.
fn keys(group: &Value) -> VerificationKeys {
    let key = group.get("public").unwrap_or(&group["private"]);
    if key.get("keys").is_some() {
        return VerificationKeys::from_jwks(&key.to_string()).unwrap_or_default();
    }
    if key["kty"] == "oct" && key["alg"] == "HS256" {
        let secret = encoding::decode_base64url(key["k"].as_str().unwrap()).unwrap();
        let kid = KeyId::from_trusted(key["kid"].as_str().unwrap().to_owned());
        let decoding = DecodingKey::from_secret(&secret);
        let key = VerificationKey::new(Some(kid), Algorithm::HS256, decoding);
        return VerificationKeys::new(vec![key]);
    }
    VerificationKeys::from_jwks(&json!({ "keys": [key] }).to_string()).unwrap_or_default()
}

/// Whether the form and the signature are good: claims are no business of Wycheproof's, whose
/// payloads are no JSON.
fn accepts(keys: &VerificationKeys, token: &str) -> bool {
    let Ok(compact) = Compact::parse(token) else {
        return false;
    };
    let Some(key) = keys.find(compact.kid(), compact.alg()) else {
        return false;
    };
    match compact.verify(key.algorithm(), key.decoding()) {
        Ok(_) => true,
        // The signature was good. What is left of strictness is the payload's base64url.
        Err(JwsError::Malformed) => token
            .split('.')
            .nth(1)
            .is_some_and(|payload| encoding::decode_base64url(payload).is_some()),
        Err(JwsError::TooLong | JwsError::UnsupportedHeader | JwsError::BadSignature) => false,
    }
}

/// S2 S3 S15 S16 S17 S20 S29 S30 S31: every verdict on a whole token is Wycheproof's, or explained.
#[test]
fn whole_tokens_are_judged_as_wycheproof_judges() {
    let Some(directory) = directory() else { return };
    let mut differences = Differences::default();
    for set in ["signature", "key", "crypto"] {
        for group in groups(&directory, set) {
            let keys = keys(&group);
            for test in group["tests"].as_array().unwrap() {
                let Some(token) = test.get("jws") else {
                    continue;
                };
                // In the JSON serialization the value is an object.
                let text = token
                    .as_str()
                    .map_or_else(|| token.to_string(), str::to_owned);
                let verdict = Verdict {
                    accepted: accepts(&keys, &text),
                    expected: Some(test["result"] == "valid"),
                };
                let id = usize::try_from(test["tcId"].as_u64().unwrap()).unwrap();
                let what = format!("{} {}", group["comment"], test["comment"]);
                differences.note(&EXPLAINED, set, id, &what, verdict);
            }
        }
    }
    assert!(differences.tried > 400, "{}", differences.tried);
    differences.assert_explained(&EXPLAINED);
}

/// S17 S20: no JWE is ever a token here, however well it is encrypted.
#[test]
fn nothing_encrypted_is_a_token() {
    let Some(directory) = directory() else { return };
    let mut tried = 0;
    for set in ["encryption", "crypto"] {
        for group in groups(&directory, set) {
            let keys = keys(&group);
            for test in group["tests"].as_array().unwrap() {
                let Some(token) = test.get("jwe") else {
                    continue;
                };
                let text = token
                    .as_str()
                    .map_or_else(|| token.to_string(), str::to_owned);
                assert!(!accepts(&keys, &text), "{set} {}", test["tcId"]);
                tried += 1;
            }
        }
    }
    assert!(tried > 150, "{tried}");
}
