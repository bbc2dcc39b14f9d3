//! Key sets that a verifier may be handed: with keys it cannot use, with keys it must not use, and
//! with keys that are none.

use forge::{Algorithm, Key, Verdict, token};
use serde_json::{Value, json};
use token_core::key::{InvalidJwks, VerificationKeys};

use crate::{Issuer, claims};

fn set(keys: &[Value]) -> Result<VerificationKeys, InvalidJwks> {
    VerificationKeys::from_jwks(&json!({ "keys": keys }).to_string())
}

/// What a verifier with this key set says of a token of `key`.
fn verdict(keys: &[Value], key: &Key, token: &str) -> Option<Verdict> {
    let keys = set(keys).ok()?;
    let key = Key::secret(key.kid(), b"unused");
    Some(Issuer { key, keys }.verdict(token))
}

/// S3 S29: the keys of other people's algorithms are passed over, and the good one beside them is
/// still found (RFC 7517 §5).
#[test]
fn strange_keys_do_not_hide_good_ones() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
        let issuer = Issuer::new(algorithm);
        let (good, good_token) = (issuer.key.jwk().unwrap(), issuer.token());
        for strange in [
            json!({ "kty": "AKP", "alg": "ML-DSA-44", "kid": "s", "pub": "AAAA" }),
            json!({ "kty": "EC", "crv": "secp256k1", "kid": "s", "x": "AAAA", "y": "AAAA" }),
            json!({ "kty": "EC", "crv": "P-256", "kid": "s" }),
            json!({ "kty": "OKP", "crv": "X25519", "kid": "s", "x": "AAAA" }),
            json!({ "kty": "RSA", "alg": "RS256", "kid": "s", "n": "", "e": "" }),
            json!({ "kty": "oct", "alg": "HS256", "kid": "s", "k": "AAAA" }),
            json!({ "kty": "EC", "crv": "P-256", "x": good["x"], "y": good["y"] }),
            json!({ "kty": "" , "kid": "s" }),
        ] {
            let found = verdict(&[strange.clone(), good.clone()], &issuer.key, &good_token);
            assert_eq!(
                found,
                Some(Verdict::Accepted),
                "{algorithm:?} beside {strange}"
            );
        }
    }
}

/// S2 S3: a secret that somebody published is not a secret.
#[test]
fn published_secrets_sign_nothing() {
    let key = Key::generate(Algorithm::Hs256);
    let secret = token::encode(key.secret_bytes().unwrap());
    let jwk = json!({ "kty": "oct", "alg": "HS256", "kid": key.kid(), "use": "sig", "k": secret });
    let signed = token::sign(&key, token::header(&key).to_string(), claims().to_string());
    let good = Issuer::new(Algorithm::Es256);
    assert_eq!(
        set(std::slice::from_ref(&jwk)).err(),
        Some(InvalidJwks::Empty)
    );
    let found = verdict(&[jwk, good.key.jwk().unwrap()], &good.key, &signed);
    assert!(matches!(found, Some(Verdict::Refused(_))), "{found:?}");
}

/// S3 S29: a key that is for something else, or for another algorithm, verifies nothing.
#[test]
fn keys_are_used_for_what_they_are_for() {
    for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
        let issuer = Issuer::new(algorithm);
        let good = issuer.key.jwk().unwrap();
        let wrong = [
            ("use", json!("enc")),
            ("use", json!("")),
            ("alg", json!("HS256")),
            ("alg", json!("none")),
            ("alg", json!("RSA-OAEP")),
            ("alg", json!("PS256")),
            ("alg", json!("ES384")),
        ];
        for (member, value) in wrong {
            let key = token::with(&good, member, value.clone());
            assert_eq!(
                set(&[key]).err(),
                Some(InvalidJwks::Empty),
                "{algorithm:?} {member} {value}"
            );
        }
    }
}

/// S29: two keys of one name, or a document that is no key set, make the whole set useless.
#[test]
fn doubtful_sets_are_refused() {
    let [one, other] = [(); 2].map(|()| Key::generate(Algorithm::Es256));
    let renamed = token::with(&other.jwk().unwrap(), "kid", one.kid().into());
    let twice = set(&[one.jwk().unwrap(), renamed]);
    assert_eq!(
        twice.err(),
        Some(InvalidJwks::DuplicateKid(one.kid().to_owned()))
    );
    let good = json!({ "keys": [one.jwk().unwrap()] }).to_string();
    for text in [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"keys":{}}"#.to_owned(),
        r#"{"keys":null}"#.to_owned(),
        format!("{good}x"),
        format!("[{good}]"),
        good.replace("\"kty\"", "\"kty\":\"oct\",\"kty\""),
        good.replace("{\"keys\"", "{\"keys\":[],\"keys\""),
        format!(
            "{{\"keys\":{}{}}}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        ),
    ] {
        assert!(VerificationKeys::from_jwks(&text).is_err(), "{text:.80}");
    }
}

/// S15 S30: with the exponent 1 the padded digest is its own signature, so anybody could sign. Such
/// a key is no key, and a modulus of 1024 bits is too small for one.
#[test]
fn weak_rsa_keys_verify_nothing() {
    let issuer = Issuer::new(Algorithm::Rs256);
    let good = issuer.key.jwk().unwrap();
    let header = token::header(&issuer.key).to_string();
    let input = format!(
        "{}.{}",
        token::encode(header),
        token::encode(claims().to_string())
    );
    let forged = format!("{input}.{}", token::encode(padded_digest(input.as_bytes())));
    let trivial = token::with(&good, "e", "AQ".into());
    let found = verdict(&[trivial], &issuer.key, &forged);
    assert_ne!(found, Some(Verdict::Accepted));
    let modulus = token::decode(good["n"].as_str().unwrap());
    let small = token::with(&good, "n", token::encode(&modulus[..128]).into());
    assert_ne!(
        verdict(&[small], &issuer.key, &forged),
        Some(Verdict::Accepted)
    );
}

/// EMSA-PKCS1-v1_5 for SHA-256 and 2048 bits (RFC 8017 §9.2).
fn padded_digest(input: &[u8]) -> Vec<u8> {
    const DIGEST_INFO: &[u8] =
        b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
    let digest = forge::key::sha256(input);
    let filling = 256 - 3 - DIGEST_INFO.len() - digest.len();
    [&[0, 1], &*vec![0xff; filling], &[0], DIGEST_INFO, &*digest].concat()
}
