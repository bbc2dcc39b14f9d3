//! Public keys in every encoding that some library has taken for the secret of an HMAC.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::token::{decode, encode};

/// `SubjectPublicKeyInfo` up to the point of a P-256 key (RFC 5480 §2).
const P256: &[u8] = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00";
/// `SubjectPublicKeyInfo` up to the key of an Ed25519 key (RFC 8410 §4).
const ED25519: &[u8] = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
/// The `AlgorithmIdentifier` of RSA (RFC 3279 §2.3.1).
const RSA: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

/// Every encoding of the key in this JWK, with its name.
pub fn encodings(jwk: &Value) -> Vec<(String, Vec<u8>)> {
    let member = |name: &str| decode(jwk[name].as_str().expect("a member of the key"));
    let mut all = Vec::new();
    let spki = match jwk["kty"].as_str().expect("kty") {
        "EC" => {
            let (x, y) = (member("x"), member("y"));
            let point = [vec![4], x.clone(), y.clone()].concat();
            let sign = 2 + (y.last().expect("a coordinate") & 1);
            all.push((
                "compressed point".to_owned(),
                [vec![sign], x.clone()].concat(),
            ));
            all.push(("coordinates".to_owned(), [x, y].concat()));
            let spki = [P256, &point].concat();
            all.push(("point".to_owned(), point));
            spki
        }
        "OKP" => {
            all.push(("raw key".to_owned(), member("x")));
            [ED25519, &member("x")].concat()
        }
        "RSA" => {
            let numbers = [integer(&member("n")), integer(&member("e"))].concat();
            let pkcs1 = wrap(0x30, &numbers);
            all.extend(texts("PKCS1", "RSA PUBLIC KEY", &pkcs1));
            all.push(("modulus".to_owned(), member("n")));
            let bits = wrap(0x03, &[vec![0], pkcs1].concat());
            wrap(0x30, &[RSA, &bits].concat())
        }
        other => panic!("a key of type {other}"),
    };
    all.extend(texts("SPKI", "PUBLIC KEY", &spki));
    all.extend(json_texts(jwk));
    all
}

/// DER, its two base64 forms, and the PEM texts that differ in what surrounds them.
fn texts(name: &str, label: &str, der: &[u8]) -> Vec<(String, Vec<u8>)> {
    let lines: Vec<String> = STANDARD
        .encode(der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let pem = format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----",
        lines.join("\n")
    );
    let named = |what: &str, bytes: Vec<u8>| (format!("{name} {what}"), bytes);
    vec![
        named("DER", der.to_vec()),
        named("base64", STANDARD.encode(der).into_bytes()),
        named("base64url", encode(der).into_bytes()),
        named("PEM", pem.clone().into_bytes()),
        named("PEM newline", format!("{pem}\n").into_bytes()),
        named("PEM leading space", format!(" {pem}").into_bytes()),
        named("PEM leading newline", format!("\n{pem}\n").into_bytes()),
        named("PEM after a BOM", format!("\u{feff}{pem}").into_bytes()),
        named(
            "PEM after a comment",
            format!("# key\n{pem}\n").into_bytes(),
        ),
        named("PEM after NUL", format!("\u{0}{pem}").into_bytes()),
        named(
            "PEM CRLF",
            format!("{}\r\n", pem.replace('\n', "\r\n")).into_bytes(),
        ),
        named("PEM one line", pem.replace('\n', "").into_bytes()),
    ]
}

/// The JWK as text, and what is in it that somebody could take for a secret.
fn json_texts(jwk: &Value) -> Vec<(String, Vec<u8>)> {
    let mut bare = jwk.clone();
    let members = bare.as_object_mut().expect("a JWK");
    for optional in ["kid", "alg", "use"] {
        members.remove(optional);
    }
    let set = json!({ "keys": [jwk] });
    let kid = jwk["kid"].as_str().unwrap_or_default();
    vec![
        ("JWK".to_owned(), jwk.to_string().into_bytes()),
        ("bare JWK".to_owned(), bare.to_string().into_bytes()),
        ("JWK set".to_owned(), set.to_string().into_bytes()),
        ("kid".to_owned(), kid.as_bytes().to_vec()),
        ("empty".to_owned(), Vec::new()),
    ]
}

/// A positive INTEGER.
fn integer(number: &[u8]) -> Vec<u8> {
    let mut bytes = number.to_vec();
    if bytes.first().is_some_and(|first| *first >= 0x80) {
        bytes.insert(0, 0);
    }
    wrap(0x02, &bytes)
}

/// Tag and length before the content.
pub(crate) fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut der = vec![tag];
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => der.push(short),
        Ok(long) => der.extend([0x81, long]),
        Err(_) => {
            let length = u16::try_from(length).expect("a key under 64 KiB");
            der.push(0x82);
            der.extend(length.to_be_bytes());
        }
    }
    der.extend(content);
    der
}

/// An ECDSA signature as OpenSSL and Java write it (RFC 3279 §2.2.3), which JWS forbids.
pub(crate) fn ecdsa(fixed: &[u8]) -> Vec<u8> {
    let (r, s) = fixed.split_at(fixed.len() / 2);
    let stripped = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        integer(&number[zeros..])
    };
    wrap(0x30, &[stripped(r), stripped(s)].concat())
}
