//! What the header may say.

use serde_json::{Value, json};

use super::Insider;
use crate::token::{assemble, encode, sign, with, without};
use crate::{Algorithm, Cases, Key, Why};

pub(super) fn cases(insider: &Insider<'_>, cases: &mut Cases) {
    types(insider, cases);
    extensions(insider, cases);
    encryption(insider, cases);
    algorithms(insider, cases);
    embedded(insider, cases);
}

fn types(insider: &Insider<'_>, cases: &mut Cases) {
    cases.covering("S7");
    let typed = |typ: Value| insider.headed(&with(&insider.header(), "typ", typ));
    for typ in ["AT+JWT", "application/at+jwt", "Application/AT+jwt"] {
        cases.accept(format!("typ/{typ}"), typed(typ.into()));
    }
    for typ in [
        "JWT",
        "rt+jwt",
        "dpop+jwt",
        "dbsc+jwt",
        "secevent+jwt",
        "statuslist+jwt",
        "token-introspection+jwt",
        "logout+jwt",
        "at",
        "",
        "at+jwt ",
        " at+jwt",
        "at+jwt\u{0}",
        "at+jwt;v=1",
        "text/at+jwt",
        "application/application/at+jwt",
        "application/",
        "at+jwtx",
    ] {
        cases.refuse(format!("typ/{typ:?}"), typed(typ.into()), Why::Type);
    }
    let absent = insider.headed(&without(&insider.header(), "typ"));
    cases.refuse("typ/absent", absent, Why::Type);
    for typ in [
        Value::Null,
        json!(1),
        json!(["at+jwt"]),
        json!({}),
        json!(true),
    ] {
        cases.refuse(format!("typ/of type {typ}"), typed(typ), Why::Malformed);
    }
}

fn extensions(insider: &Insider<'_>, cases: &mut Cases) {
    cases.covering("S5 CVE-2025-59420 CVE-2026-32597");
    for (name, crit, more) in [
        (
            "unknown",
            json!(["x-unknown"]),
            Some(("x-unknown", json!(true))),
        ),
        ("unknown and absent", json!(["x-unknown"]), None),
        ("twice", json!(["x", "x"]), Some(("x", json!(1)))),
        ("empty", json!([]), None),
        ("a registered name", json!(["alg"]), None),
        ("a claim's name", json!(["exp"]), Some(("exp", json!(1)))),
        ("a text", json!("exp"), None),
        ("a number in it", json!([1]), None),
        ("itself", json!(["crit"]), None),
        ("an empty name", json!([""]), Some(("", json!(1)))),
        ("null", Value::Null, None),
        ("an object", json!({ "exp": true }), None),
        ("a number", json!(0), None),
        ("false", json!(false), None),
        ("b64 true", json!(["b64"]), Some(("b64", json!(true)))),
        ("b64 false", json!(["b64"]), Some(("b64", json!(false)))),
    ] {
        let mut header = with(&insider.header(), "crit", crit);
        if let Some((member, value)) = more {
            header[member] = value;
        }
        cases.refuse(
            format!("crit/{name}"),
            insider.headed(&header),
            Why::Extension,
        );
    }
    for b64 in [json!(true), json!(false), json!("false"), Value::Null] {
        let name = format!("b64/{b64} without crit");
        let header = with(&insider.header(), "b64", b64);
        cases.refuse(name, insider.headed(&header), Why::Extension);
    }
}

/// What belongs to a JWE must not start any work.
fn encryption(insider: &Insider<'_>, cases: &mut Cases) {
    cases.covering("S20 CVE-2024-28180 CVE-2023-6681 CVE-2023-51774");
    for (name, member, value) in [
        ("zip DEF", "zip", json!("DEF")),
        ("zip null", "zip", Value::Null),
        ("enc", "enc", json!("A256GCM")),
        ("enc empty", "enc", json!("")),
    ] {
        let token = insider.headed(&with(&insider.header(), member, value));
        cases.refuse(format!("jwe/{name}"), token, Why::Extension);
    }
    for alg in ["PBES2-HS256+A128KW", "dir", "RSA-OAEP", "A256KW", "ECDH-ES"] {
        let mut header = with(&insider.header(), "alg", alg.into());
        header["p2c"] = json!(2_147_483_647);
        header["p2s"] = json!("AAAAAAAAAAA");
        let three = insider.headed(&header);
        cases.refuse(format!("jwe/{alg} of three parts"), three, Why::Key);
        header["enc"] = json!("A128CBC-HS256");
        let parts = [encode(header.to_string()), encode([7; 24]), encode([7; 16])];
        let five = format!(
            "{}.{}.{}",
            parts.join("."),
            encode([7; 64]),
            encode([7; 16])
        );
        cases.refuse(format!("jwe/{alg} of five parts"), five, Why::Malformed);
    }
    cases.covering("S8 S17");
    let inner = insider.headed(&insider.header());
    let nested = sign(
        insider.key,
        with(&insider.header(), "cty", "JWT".into()).to_string(),
        inner,
    );
    cases.refuse("jwe/a token in a token", nested, Why::Malformed);
}

/// A good signature by the right key in another of the algorithms that its type can do.
fn algorithms(insider: &Insider<'_>, cases: &mut Cases) {
    cases.covering("S3 CVE-2022-23541");
    let others: &[&str] = match insider.key.algorithm() {
        Algorithm::Rs256 => &["RS384", "RS512", "PS256", "PS384", "PS512"],
        Algorithm::Hs256 => &["HS384", "HS512"],
        Algorithm::Es256 | Algorithm::EdDsa => &[],
    };
    for alg in others {
        let header = with(&insider.header(), "alg", (*alg).into());
        let payload = encode(insider.claims.to_string());
        let input = format!("{}.{payload}", encode(header.to_string()));
        let signature = insider.key.sign_as(alg, input.as_bytes()).expect(alg);
        let token = assemble(&header, &payload, &encode(signature));
        cases.refuse(format!("alg/{alg} by the same key"), token, Why::Key);
    }
    if insider.key.algorithm() == Algorithm::EdDsa {
        // RFC 9864 §2.2 gives the algorithm a name that says its curve; the key is the same.
        cases.covering("S40");
        let named = with(&insider.header(), "alg", "Ed25519".into());
        cases.accept("alg/Ed25519 for EdDSA", insider.headed(&named));
        cases.covering("S3 CVE-2022-23541");
    }
    for alg in ["ES256", "EdDSA", "ES256K", "ES384"]
        .iter()
        .filter(|alg| **alg != insider.key.algorithm().name())
    {
        let token = insider.headed(&with(&insider.header(), "alg", (*alg).into()));
        cases.refuse(
            format!("alg/{alg} over the key's own signature"),
            token,
            Why::Key,
        );
    }
}

/// What other services put there is ignored, and so is a key: the signature is by the known one.
fn embedded(insider: &Insider<'_>, cases: &mut Cases) {
    cases.covering("S4");
    let stranger = Key::generate(Algorithm::Es256);
    for (name, value) in [
        ("jwk", stranger.jwk().expect("a public key")),
        ("jku", json!("https://elsewhere.example/keys")),
        ("cty", json!("JWT")),
        ("x-unknown", json!({ "alg": "none" })),
        ("__proto__", json!({ "alg": "none", "crit": ["x"] })),
        ("p2c", json!(2_147_483_647)),
    ] {
        let token = insider.headed(&with(&insider.header(), name, value));
        cases.accept(format!("ignored/{name}"), token);
    }
}
