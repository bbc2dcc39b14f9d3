//! What the header may say: algorithm, key, type, extensions.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::json;
use token_core::key::VerificationKeys;
use token_core::time::Timestamp;
use token_core::token::access::{AccessError, AccessTyp, AccessVerifier, VerifierPolicy};
use token_core::token::jws::JwsError;

use crate::{AUDIENCE, ISSUER, Issuer, NOW, b64, claims, verifier};

/// S1: no algorithm but the key's own, with and without a signature.
#[test]
fn unsigned_and_renamed_algorithms_are_refused() {
    let issuer = Issuer::new();
    let good = issuer.token(&claims());
    let signature = good.rsplit('.').next().unwrap();
    for alg in [
        "none", "None", "nOnE", "none ", "", "HS256", "ES384", "RS256", "es256", "EdDSA",
    ] {
        let mut header = issuer.header();
        header["alg"] = alg.into();
        let unsigned = format!("{}.{}.", b64(header.to_string()), b64(claims().to_string()));
        for token in [
            unsigned.clone(),
            format!("{unsigned}{signature}"),
            issuer.with_header(&header),
        ] {
            assert_eq!(
                issuer.verdict(&token),
                Err(AccessError::UnknownKey),
                "{alg:?}"
            );
        }
    }
    let mut header = issuer.header();
    header.as_object_mut().unwrap().remove("alg");
    let verdict = issuer.verdict(&issuer.with_header(&header));
    assert_eq!(verdict, Err(AccessError::Jws(JwsError::Malformed)));
}

/// S2: the public key in any spelling is not an HMAC secret.
#[test]
fn the_public_key_is_no_secret() {
    let issuer = Issuer::new();
    let jwk = serde_json::to_value(issuer.key.public().unwrap()).unwrap();
    let coordinate = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let mut spki = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00".to_vec();
    spki.extend(&point);
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----",
        STANDARD.encode(&spki)
    );
    let secrets = [
        pem.clone().into_bytes(),
        format!("{pem}\n").into_bytes(),
        format!(" {pem}\n").into_bytes(),
        spki,
        point,
        jwk.to_string().into_bytes(),
    ];
    for alg in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        for secret in &secrets {
            let mut header = issuer.header();
            header["alg"] = json!(alg);
            let input = format!("{}.{}", b64(header.to_string()), b64(claims().to_string()));
            let key = EncodingKey::from_secret(secret);
            let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &key, alg).unwrap();
            let verdict = issuer.verdict(&format!("{input}.{signature}"));
            assert_eq!(verdict, Err(AccessError::UnknownKey));
        }
    }
}

/// S3 S40: an Ed25519 key verifies under both names of its algorithm (RFC 9864 §2.2) and under no
/// other, and no key of another kind does under these.
#[test]
fn ed25519_goes_by_two_names() {
    let pair = Ed25519KeyPair::generate().unwrap();
    let x = b64(pair.public_key().as_ref());
    let now = Timestamp::from_unix_seconds(NOW);
    for said in [None, Some("EdDSA"), Some("Ed25519")] {
        let mut jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "e"});
        if let Some(alg) = said {
            jwk["alg"] = alg.into();
        }
        let set = json!({ "keys": [jwk] }).to_string();
        let keys = VerificationKeys::from_jwks(&set).unwrap();
        for (alg, verdict) in [
            ("EdDSA", None),
            ("Ed25519", None),
            ("Ed448", Some(AccessError::UnknownKey)),
            ("ed25519", Some(AccessError::UnknownKey)),
            ("ES256", Some(AccessError::UnknownKey)),
            ("HS256", Some(AccessError::UnknownKey)),
        ] {
            let header = json!({"typ": "at+jwt", "alg": alg, "kid": "e"}).to_string();
            let input = format!("{}.{}", b64(header), b64(claims().to_string()));
            let token = format!("{input}.{}", b64(pair.sign(input.as_bytes()).as_ref()));
            let answer = verifier().verify(&keys, &token, now).err();
            assert_eq!(answer, verdict, "{alg}");
        }
    }
    let ec = Issuer::new();
    let mut header = ec.header();
    header["alg"] = "Ed25519".into();
    let verdict = ec.verdict(&ec.with_header(&header));
    assert_eq!(verdict, Err(AccessError::UnknownKey));
}

/// S3: an RSA key is for the algorithm that its set names, whatever the token would like.
#[test]
fn an_rsa_key_has_one_algorithm() {
    let n = b64([0xff; 256]);
    let jwk = json!({"kty": "RSA", "alg": "RS256", "kid": "r", "n": n, "e": "AQAB"});
    let keys = VerificationKeys::from_jwks(&json!({ "keys": [jwk] }).to_string()).unwrap();
    let now = Timestamp::from_unix_seconds(NOW);
    for (alg, verdict) in [
        ("RS256", AccessError::Jws(JwsError::BadSignature)),
        ("RS384", AccessError::UnknownKey),
        ("RS512", AccessError::UnknownKey),
        ("PS256", AccessError::UnknownKey),
        ("HS256", AccessError::UnknownKey),
    ] {
        let header = json!({"typ": "at+jwt", "alg": alg, "kid": "r"}).to_string();
        let input = format!("{}.{}", b64(header), b64(claims().to_string()));
        let token = format!("{input}.{}", b64([1; 256]));
        assert_eq!(verifier().verify(&keys, &token, now).err(), Some(verdict));
    }
}

/// S4 S6: keys never come from tokens, and key names are only names.
#[test]
fn embedded_keys_and_hostile_names_are_refused() {
    let issuer = Issuer::new();
    let attacker = Issuer::new();
    let mut header = issuer.header();
    header["jwk"] = serde_json::to_value(attacker.key.public().unwrap()).unwrap();
    header["jku"] = "http://127.0.0.1:9/jwks.json".into();
    header["x5u"] = "http://127.0.0.1:9/cert".into();
    header["x5c"] = json!(["AAAA"]);
    let forged = attacker.with_header(&header);
    assert_eq!(
        issuer.verdict(&forged),
        Err(AccessError::Jws(JwsError::BadSignature))
    );
    for kid in [
        json!("../../dev/null"),
        json!("' OR 1=1"),
        json!("\0"),
        json!("\n"),
        json!(""),
        json!("x".repeat(3_000)),
    ] {
        header["kid"] = kid;
        assert_eq!(
            issuer.verdict(&issuer.with_header(&header)),
            Err(AccessError::UnknownKey)
        );
    }
    header["kid"] = json!(7);
    let verdict = issuer.verdict(&issuer.with_header(&header));
    assert_eq!(verdict, Err(AccessError::Jws(JwsError::Malformed)));
    header.as_object_mut().unwrap().remove("kid");
    assert_eq!(
        issuer.verdict(&issuer.with_header(&header)),
        Err(AccessError::UnknownKey)
    );
    header["kid"] = "x".repeat(1_000_000).into();
    let verdict = issuer.verdict(&issuer.with_header(&header));
    assert_eq!(verdict, Err(AccessError::Jws(JwsError::TooLong)));
}

/// S5 S20: whatever the header demands that is not understood, the token is refused.
#[test]
fn extensions_are_refused() {
    let issuer = Issuer::new();
    for (name, value) in [
        ("crit", json!(["x-unknown"])),
        ("crit", json!([])),
        ("crit", json!("exp")),
        ("crit", json!(["alg"])),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
    ] {
        let mut header = issuer.header();
        header[name] = value;
        let verdict = issuer.verdict(&issuer.with_header(&header));
        assert_eq!(
            verdict,
            Err(AccessError::Jws(JwsError::UnsupportedHeader)),
            "{name}"
        );
    }
}

/// S7 S8 S65: only the one type passes.
#[test]
fn other_types_are_refused() {
    let issuer = Issuer::new();
    for typ in [
        "JWT",
        "rt+jwt",
        "token-introspection+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "statuslist+jwt",
        "logout+jwt",
        "",
        "at+jwt\0",
    ] {
        let mut header = issuer.header();
        header["typ"] = typ.into();
        assert_eq!(
            issuer.verdict(&issuer.with_header(&header)),
            Err(AccessError::Type),
            "{typ}"
        );
    }
    let mut header = issuer.header();
    header.as_object_mut().unwrap().remove("typ");
    assert_eq!(
        issuer.verdict(&issuer.with_header(&header)),
        Err(AccessError::Type)
    );
    header["typ"] = "application/AT+jwt".into();
    assert_eq!(issuer.verdict(&issuer.with_header(&header)), Ok(()));

    let policy = VerifierPolicy::new(ISSUER, AUDIENCE)
        .unwrap()
        .with_typ(AccessTyp::Jwt);
    let now = Timestamp::from_unix_seconds(NOW);
    let verdict = AccessVerifier::new(policy).verify(&issuer.keys(), &issuer.token(&claims()), now);
    assert_eq!(verdict.err(), Some(AccessError::Type));
}
