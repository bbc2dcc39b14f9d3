//! What a token is made of: its parts, its signature, and nothing else.

use std::collections::HashSet;

use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;
use token_core::key::{SigningSecret, VerificationKey, VerificationKeys};
use token_core::time::Timestamp;
use token_core::token::access::AccessError;
use token_core::token::jws::JwsError;

use crate::{ISSUER, Issuer, NOW, SECRET, b64, claims, verifier};

/// S14: every single-bit flip, truncation and extension of a token is refused.
#[test]
fn every_bit_counts() {
    let issuer = Issuer::new();
    let token = issuer.token(&claims());
    for at in 0..token.len() {
        for bit in 0..7 {
            let mut altered = token.clone().into_bytes();
            altered[at] ^= 1 << bit;
            let Ok(altered) = String::from_utf8(altered) else {
                continue;
            };
            assert!(issuer.verdict(&altered).is_err(), "bit {bit} of byte {at}");
        }
        assert!(issuer.verdict(&token[..at]).is_err(), "cut at {at}");
    }
    for tail in ["A", "=", ".", "\n", " ", "AAAA"] {
        assert!(
            issuer.verdict(&format!("{token}{tail}")).is_err(),
            "{tail:?}"
        );
        assert!(
            issuer.verdict(&format!("{tail}{token}")).is_err(),
            "{tail:?}"
        );
    }
}

/// S15: DER-coded, zero and short ECDSA signatures.
#[test]
fn odd_signatures_are_refused() {
    let issuer = Issuer::new();
    let token = issuer.token(&claims());
    let (input, _) = token.rsplit_once('.').unwrap();
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    for signature in [
        vec![],
        vec![0; 64],
        vec![0; 63],
        vec![0; 65],
        [order, order].concat(),
        vec![0xff; 64],
        b"\x30\x06\x02\x01\x01\x02\x01\x01".to_vec(),
    ] {
        let verdict = issuer.verdict(&format!("{input}.{}", b64(signature)));
        assert_eq!(verdict, Err(AccessError::Jws(JwsError::BadSignature)));
    }
}

/// S26: no two signatures share their `r`, which would give the private key away.
#[test]
fn signatures_never_repeat_their_nonce() {
    let issuer = Issuer::new();
    let mut seen = HashSet::new();
    for _ in 0..20_000 {
        let token = issuer.token(&claims());
        let (_, signature) = token.rsplit_once('.').unwrap();
        assert!(seen.insert(signature[..42].to_owned()));
    }
}

/// S17 S18 S19: shapes that are not one compact token with plain JSON inside.
#[test]
fn other_shapes_are_refused() {
    let issuer = Issuer::new();
    let good = issuer.token(&claims());
    let json_form = json!({"payload": b64(claims().to_string()), "signatures": []}).to_string();
    let header = issuer.header().to_string();
    let repeated = format!(
        "{},\"iss\":\"{ISSUER}\"}}",
        claims().to_string().trim_end_matches('}')
    );
    for token in [
        json_form,
        format!("{good}.{good}"),
        issuer.sign(&header, &repeated),
        issuer.sign(&header, "[]"),
        issuer.sign(&header, "null"),
        issuer.sign(&header, &format!("{} x", claims())),
        issuer.sign(&format!("\u{feff}{header}"), &claims().to_string()),
        issuer.sign(
            &header,
            &format!("{{\"a\":{}1{}}}", "[".repeat(500), "]".repeat(500)),
        ),
    ] {
        assert_eq!(
            issuer.verdict(&token),
            Err(AccessError::Jws(JwsError::Malformed))
        );
    }
    for huge in [
        ".".repeat(1_000_000),
        "A".repeat(100_000_000),
        format!("{good}{}", "A".repeat(9_000)),
    ] {
        assert_eq!(
            issuer.verdict(&huge),
            Err(AccessError::Jws(JwsError::TooLong))
        );
    }
}

/// A shared secret verifies tokens of any `kid`, and only of its own algorithm.
#[test]
fn a_shared_secret_verifies() {
    let secret = SigningSecret::parse(SECRET).unwrap();
    let keys = VerificationKeys::new(vec![VerificationKey::from_secret(&secret)]);
    let sign = |alg: Algorithm, key: &EncodingKey| {
        let header = json!({"typ": "at+jwt", "alg": alg, "kid": "any"});
        let input = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
        let signature = jsonwebtoken::crypto::sign(input.as_bytes(), key, alg).unwrap();
        format!("{input}.{signature}")
    };
    let now = Timestamp::from_unix_seconds(NOW);
    let verdict = |token: &str| verifier().verify(&keys, token, now).err();
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    assert_eq!(verdict(&sign(Algorithm::HS256, &key)), None);
    assert_eq!(
        verdict(&sign(Algorithm::HS512, &key)),
        Some(AccessError::UnknownKey)
    );
    let other = EncodingKey::from_secret(b"another secret of a good length!!");
    let bad = Some(AccessError::Jws(JwsError::BadSignature));
    assert_eq!(verdict(&sign(Algorithm::HS256, &other)), bad);
}
