//! One published key: read, weighed, and taken or left.
//!
//! A set may hold keys for other purposes and of kinds that come to be known later, so a key that
//! cannot be used is passed over and not an error (RFC 7517 §5). A weak key, or one that the set
//! should never have shown, is no better than one that is missing.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents,
};
use jsonwebtoken::jwk::{
    AlgorithmParameters, CommonParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations,
    PublicKeyUse,
};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::jwks::VerificationKey;
use crate::encoding;
use crate::id::KeyId;

/// What only a private or a symmetric key has (RFC 7518 §6.2.2, §6.3.2, §6.4.1). All the world can
/// sign with a key that was published with one of these.
const SECRET_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// Shorter moduli can be factored (RFC 7518 §3.3).
const LEAST_RSA_BITS: usize = 2_048;
/// Longer ones cost more to verify with than any key is worth.
const MOST_RSA_BITS: usize = 8_192;

/// The key, if it is a public one for signatures, with a name, and of one algorithm that fits it.
pub(super) fn usable(mut members: Map<String, Value>) -> Option<VerificationKey> {
    if SECRET_MEMBERS
        .iter()
        .any(|name| members.contains_key(*name))
    {
        return None;
    }
    // RFC 9864 §2.2 gives the one algorithm that is meant a name of its own.
    if members.get("alg").and_then(Value::as_str) == Some("Ed25519") {
        members.insert("alg".to_owned(), "EdDSA".into());
    }
    let jwk: Jwk = serde_json::from_value(Value::Object(members)).ok()?;
    if !is_for_verifying(&jwk.common) {
        return None;
    }
    let (algorithm, decoding) = match (&jwk.algorithm, jwk.common.key_algorithm) {
        (AlgorithmParameters::EllipticCurve(ec), None | Some(KeyAlgorithm::ES256))
            if ec.curve == EllipticCurve::P256 =>
        {
            (Algorithm::ES256, p256(&ec.x, &ec.y)?)
        }
        (AlgorithmParameters::OctetKeyPair(okp), None | Some(KeyAlgorithm::EdDSA))
            if okp.curve == EllipticCurve::Ed25519 =>
        {
            (Algorithm::EdDSA, ed25519(&okp.x)?)
        }
        // An RSA key without `alg` would leave the choice to the token.
        (AlgorithmParameters::RSA(rsa), Some(KeyAlgorithm::RS256)) => {
            (Algorithm::RS256, rs256(&rsa.n, &rsa.e)?)
        }
        _ => return None,
    };
    let kid = jwk.common.key_id.filter(|kid| !kid.is_empty())?;
    let kid = Some(KeyId::from_trusted(kid));
    Some(VerificationKey::new(kid, algorithm, decoding))
}

fn is_for_verifying(common: &CommonParameters) -> bool {
    let may_verify = |operations: &Vec<_>| operations.contains(&KeyOperations::Verify);
    matches!(common.public_key_use, None | Some(PublicKeyUse::Signature))
        && common.key_operations.as_ref().is_none_or(may_verify)
}

/// A point of the curve, in coordinates of full length (RFC 7518 §6.2.1.2).
fn p256(x: &str, y: &str) -> Option<DecodingKey> {
    let mut point = vec![4];
    point.extend(encoding::decode_base64url_exact::<32>(x)?);
    point.extend(encoding::decode_base64url_exact::<32>(y)?);
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &point).ok()?;
    Some(DecodingKey::from_ec_der(&point))
}

fn ed25519(x: &str) -> Option<DecodingKey> {
    let point = encoding::decode_base64url_exact::<32>(x)?;
    ParsedPublicKey::new(&ED25519, point).ok()?;
    Some(DecodingKey::from_ed_der(&point))
}

/// A modulus that is long enough, and an exponent that hides something and is small enough to
/// compute with.
fn rs256(n: &str, e: &str) -> Option<DecodingKey> {
    let n = encoding::decode_base64url(n)?;
    let e = encoding::decode_base64url(e)?;
    let (first, last) = (*n.first()?, *n.last()?);
    // RFC 7518 §2: no zeros in front, so that one number has one spelling.
    if first == 0 || *e.first()? == 0 {
        return None;
    }
    let bits = n.len() * 8 - usize::try_from(first.leading_zeros()).ok()?;
    if !(LEAST_RSA_BITS..=MOST_RSA_BITS).contains(&bits) || last % 2 == 0 {
        return None;
    }
    if e.len() > 4 || e.last()? % 2 == 0 || e == [1] {
        return None;
    }
    let components = RsaPublicKeyComponents { n: &n, e: &e };
    components
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .ok()?;
    Some(DecodingKey::from_rsa_raw_components(&n, &e))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::key::{AccessAlgorithm, AccessKey};

    fn is_usable(jwk: &Value) -> bool {
        usable(jwk.as_object().unwrap().clone()).is_some()
    }

    fn with(jwk: &Value, name: &str, value: impl Into<Value>) -> Value {
        let mut jwk = jwk.clone();
        jwk[name] = value.into();
        jwk
    }

    fn p256() -> Value {
        let pkcs8 = AccessAlgorithm::Es256.generate();
        let key = AccessKey::from_pkcs8(AccessAlgorithm::Es256, &pkcs8).unwrap();
        serde_json::to_value(key.public().unwrap()).unwrap()
    }

    fn ed25519() -> Value {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "e"})
    }

    /// An odd number of that many bytes, all of whose bits count.
    fn rsa(bytes: usize, e: &[u8]) -> Value {
        let n = encoding::base64url(vec![0xff; bytes]);
        json!({"kty": "RSA", "alg": "RS256", "kid": "r", "n": n, "e": encoding::base64url(e)})
    }

    const F4: &[u8] = &[1, 0, 1];

    /// S3: what a key is for is said once, by the set, and fits the key.
    #[test]
    fn a_key_has_one_algorithm_and_one_purpose() {
        let (ec, okp, rsa) = (p256(), ed25519(), rsa(256, F4));
        for good in [
            ec.clone(),
            okp.clone(),
            with(&okp, "alg", "EdDSA"),
            with(&okp, "alg", "Ed25519"),
            rsa.clone(),
            with(&okp, "key_ops", json!(["verify"])),
        ] {
            assert!(is_usable(&good), "{good}");
        }
        for bad in [
            with(&ec, "alg", "ES384"),
            with(&ec, "alg", "EdDSA"),
            with(&ec, "alg", "RS256"),
            with(&ec, "alg", "HS256"),
            with(&ec, "alg", "none"),
            with(&ec, "crv", "P-384"),
            with(&ec, "kty", "OKP"),
            with(&okp, "alg", "ES256"),
            with(&okp, "crv", "X25519"),
            with(&okp, "crv", "P-256"),
            with(&rsa, "alg", "PS256"),
            with(&rsa, "alg", "RS512"),
            with(&rsa, "alg", Value::Null),
            with(&ec, "use", "enc"),
            with(&okp, "key_ops", json!(["sign"])),
            with(&okp, "key_ops", json!([])),
            with(&ec, "kid", ""),
            with(&ec, "kid", 7),
            with(&ec, "kid", Value::Null),
            json!({"kty": "oct", "kid": "x", "alg": "HS256", "k": "A".repeat(43)}),
            json!({}),
        ] {
            assert!(!is_usable(&bad), "{bad}");
        }
    }

    /// S28 S30: a private key that somebody published is everybody's.
    #[test]
    fn published_private_keys_are_passed_over() {
        for key in [p256(), ed25519(), rsa(256, F4)] {
            assert!(is_usable(&key));
            for name in SECRET_MEMBERS {
                assert!(!is_usable(&with(&key, name, "AQ")), "{name}");
            }
        }
    }

    /// S30: short moduli, exponents that hide nothing, even numbers.
    #[test]
    fn weak_rsa_keys_are_passed_over() {
        assert!(is_usable(&rsa(256, F4)) && is_usable(&rsa(512, &[3])));
        for (bytes, e) in [
            (128, F4),
            (255, F4),
            (1_025, F4),
            (0, F4),
            (256, &[1]),
            (256, &[0]),
            (256, &[]),
            (256, &[2]),
            (256, &[1, 0, 0]),
            (256, &[0, 1, 0, 1]),
            (256, &[1, 0, 0, 0, 1]),
        ] {
            assert!(!is_usable(&rsa(bytes, e)), "{bytes} {e:?}");
        }
        let n = |n: Vec<u8>| with(&rsa(256, F4), "n", encoding::base64url(n));
        let mut short = vec![0xff; 256];
        short[0] = 0x7f;
        assert!(!is_usable(&n(short)), "2047 bits");
        assert!(!is_usable(&n([vec![0], vec![0xff; 256]].concat())), "zeros");
        assert!(
            !is_usable(&n([vec![0xff; 255], vec![0xfe]].concat())),
            "even"
        );
    }

    /// S16 S30: points that are not on the curve, not of its size, or not spelt strictly.
    #[test]
    fn points_are_of_the_curve() {
        let ec = p256();
        let x = ec["x"].as_str().unwrap();
        let bytes = encoding::decode_base64url(x).unwrap();
        for (name, bad) in [
            ("y", x.to_owned()),
            ("x", encoding::base64url([0; 32])),
            ("x", encoding::base64url([0xff; 32])),
            ("x", encoding::base64url(&bytes[1..])),
            ("x", encoding::base64url([&[0], &bytes[..]].concat())),
            ("x", format!("{x}=")),
            ("x", String::new()),
        ] {
            assert!(!is_usable(&with(&ec, name, bad.as_str())), "{name}={bad}");
        }
        // As many bytes in all, divided otherwise.
        let y = encoding::decode_base64url(ec["y"].as_str().unwrap()).unwrap();
        let longer = encoding::base64url([&bytes[..], &y[..1]].concat());
        let moved = with(&ec, "x", longer);
        assert!(!is_usable(&with(&moved, "y", encoding::base64url(&y[1..]))));
        for x in ["", "AAAA", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"] {
            assert!(!is_usable(&with(&ed25519(), "x", x)), "{x}");
        }
    }
}
