//! JSON that two parsers read differently, in the header and in the claims.

use serde_json::Value;

use super::Insider;
use crate::token::{appended, encode, sign, sign_parts, with_spare_bits};
use crate::{Cases, Why};

pub(super) fn cases(insider: &Insider<'_>, cases: &mut Cases) {
    let header = insider.header().to_string();
    let claims = insider.claims.to_string();
    for (name, payload) in odd(&claims) {
        let token = sign(insider.key, &header, payload);
        cases
            .covering("S18")
            .refuse(format!("json/claims {name}"), token, Why::Malformed);
    }
    for (name, odd_header) in odd(&header) {
        let token = sign(insider.key, odd_header, &claims);
        cases
            .covering("S18")
            .refuse(format!("json/header {name}"), token, Why::Malformed);
    }
    deep(insider, cases);
    repeated(insider, cases);
    base64(insider, cases);
}

/// The object in every way that is not one JSON object in UTF-8.
fn odd(object: &str) -> Vec<(&'static str, Vec<u8>)> {
    let open = object.strip_suffix('}').expect("an object");
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| object.encode_utf16().flat_map(to_bytes).collect();
    let bytes = |texts: &[&[u8]]| texts.concat();
    vec![
        ("empty", Vec::new()),
        ("null", b"null".to_vec()),
        ("a number", b"1".to_vec()),
        ("a text", Value::from(object).to_string().into_bytes()),
        ("in a list", format!("[{object}]").into_bytes()),
        ("twice", format!("{object}{object}").into_bytes()),
        ("and an empty object", format!("{object}{{}}").into_bytes()),
        ("and a word", format!("{object} x").into_bytes()),
        ("and NUL", format!("{object}\u{0}").into_bytes()),
        ("after a BOM", bytes(&[b"\xef\xbb\xbf", object.as_bytes()])),
        ("in UTF-16LE", utf16(u16::to_le_bytes)),
        ("in UTF-16BE", utf16(u16::to_be_bytes)),
        (
            "in UTF-16LE with BOM",
            [vec![0xff, 0xfe], utf16(u16::to_le_bytes)].concat(),
        ),
        ("cut short", open.as_bytes().to_vec()),
        ("with a last comma", format!("{open},}}").into_bytes()),
        ("with a comment", format!("{open}/*x*/}}").into_bytes()),
        ("in single quotes", object.replace('"', "'").into_bytes()),
        ("with NaN", format!("{open},\"x\":NaN}}").into_bytes()),
        (
            "with Infinity",
            format!("{open},\"x\":Infinity}}").into_bytes(),
        ),
        ("with 1e309", format!("{open},\"x\":1e309}}").into_bytes()),
        ("with 01", format!("{open},\"x\":01}}").into_bytes()),
        ("with 0x10", format!("{open},\"x\":0x10}}").into_bytes()),
        (
            "with a lone surrogate",
            format!("{open},\"x\":\"\\ud800\"}}").into_bytes(),
        ),
        (
            "with exchanged surrogates",
            format!("{open},\"x\":\"\\udc00\\ud800\"}}").into_bytes(),
        ),
        (
            "with invalid UTF-8",
            bytes(&[open.as_bytes(), b",\"x\":\"\xff\"}"]),
        ),
        (
            "with overlong UTF-8",
            bytes(&[open.as_bytes(), b",\"x\":\"\xc0\xaf\"}"]),
        ),
        (
            "with a surrogate in UTF-8",
            bytes(&[open.as_bytes(), b",\"x\":\"\xed\xa0\x80\"}"]),
        ),
        (
            "with a bare newline in a text",
            format!("{open},\"x\":\"a\nb\"}}").into_bytes(),
        ),
        (
            "with a bare NUL in a text",
            format!("{open},\"x\":\"a\u{0}b\"}}").into_bytes(),
        ),
        (
            "with a member without a name",
            format!("{open},:1}}").into_bytes(),
        ),
        (
            "with a name without quotes",
            format!("{open},x:1}}").into_bytes(),
        ),
    ]
}

/// Nested lists: within the limit of sizes, and far beyond it.
fn deep(insider: &Insider<'_>, cases: &mut Cases) {
    cases.covering("S18");
    let header = insider.header();
    let nested = |depth: usize| format!("\"x\":{}{}", "[".repeat(depth), "]".repeat(depth));
    for (depth, why) in [(1_500, Why::Malformed), (10_000, Why::TooLong)] {
        let token = insider.carrying(appended(insider.claims, &nested(depth)));
        cases.refuse(format!("json/claims {depth} deep"), token, why);
        let header = appended(&header, &nested(depth));
        let token = sign(insider.key, header, insider.claims.to_string());
        cases.refuse(format!("json/header {depth} deep"), token, why);
    }
    let shallow = insider.carrying(appended(insider.claims, &nested(30)));
    cases.accept("json/claims 30 deep", shallow);
}

/// RFC 7515 §4, RFC 7519 §4: names are unique, or which of them counts is anybody's guess.
fn repeated(insider: &Insider<'_>, cases: &mut Cases) {
    cases.covering("S18");
    let header = insider.header();
    for (name, member) in [
        ("alg", format!("\"alg\":{}", header["alg"])),
        ("alg none", "\"alg\":\"none\"".to_owned()),
        ("alg in escapes", "\"\\u0061lg\":\"none\"".to_owned()),
        ("kid", "\"kid\":\"other\"".to_owned()),
        ("typ", "\"typ\":\"JWT\"".to_owned()),
        ("an unknown member", "\"x\":1,\"x\":2".to_owned()),
        ("a member of a member", "\"x\":{\"y\":1,\"y\":1}".to_owned()),
    ] {
        let token = sign(
            insider.key,
            appended(&header, &member),
            insider.claims.to_string(),
        );
        cases.refuse(format!("repeated/header {name}"), token, Why::Malformed);
    }
    let claims = insider.claims;
    for name in [
        "iss",
        "sub",
        "aud",
        "exp",
        "iat",
        "jti",
        "client_id",
        "sid",
        "scope",
        "roles",
    ] {
        let same = appended(claims, &format!("\"{name}\":{}", claims[name]));
        let token = insider.carrying(same);
        cases.refuse(format!("repeated/claim {name}"), token, Why::Malformed);
        let null_first = format!("{{\"{name}\":null,{}", &claims.to_string()[1..]);
        let token = insider.carrying(null_first);
        cases.refuse(
            format!("repeated/claim {name} after null"),
            token,
            Why::Malformed,
        );
    }
    for (name, member) in [
        ("in escapes", "\"\\u0065xp\":9999999999"),
        ("unknown", "\"x\":1,\"x\":1"),
        ("in a profile claim", "\"x\":{\"y\":1,\"y\":2}"),
        ("in a list of objects", "\"x\":[{\"y\":1,\"y\":2}]"),
    ] {
        let token = insider.carrying(appended(claims, member));
        cases.refuse(format!("repeated/claim {name}"), token, Why::Malformed);
    }
}

/// Another spelling of the very bytes, signed as it is spelled.
fn base64(insider: &Insider<'_>, cases: &mut Cases) {
    cases.covering("S16");
    // White space makes the length such that there are spare bits, whatever the content.
    let spelled = |text: String| {
        let padding = 3 - text.len() % 3 + 1;
        encode(format!("{text}{}", " ".repeat(padding)))
    };
    let header = spelled(insider.header().to_string());
    let claims = spelled(insider.claims.to_string());
    cases.accept(
        "base64/padded JSON",
        sign_parts(insider.key, &header, &claims),
    );
    let spare = |part: &str| with_spare_bits(part).expect("spare bits");
    for (name, header, claims) in [
        ("header with spare bits", spare(&header), claims.clone()),
        ("claims with spare bits", header.clone(), spare(&claims)),
        ("header padded", format!("{header}=="), claims.clone()),
        ("claims padded", header.clone(), format!("{claims}==")),
        (
            "claims with a newline",
            header.clone(),
            format!("{claims}\n"),
        ),
    ] {
        let token = sign_parts(insider.key, &header, &claims);
        cases.refuse(format!("base64/signed {name}"), token, Why::Malformed);
    }
}
