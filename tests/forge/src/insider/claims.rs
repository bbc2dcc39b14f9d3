//! Whom a token is from, for and about.

use serde_json::{Value, json};

use super::Insider;
use crate::token::without;
use crate::{Cases, Why};

pub(super) fn cases(insider: &Insider<'_>, cases: &mut Cases) {
    issuers(insider, cases);
    audiences(insider, cases);
    names(insider, cases);
    lists(insider, cases);
}

fn text(claims: &Value, name: &str) -> String {
    claims[name].as_str().expect("a claim of text").to_owned()
}

fn issuers(insider: &Insider<'_>, cases: &mut Cases) {
    cases.covering("S9");
    let own = text(insider.claims, "iss");
    let (scheme, rest) = own.split_once("://").expect("a URL");
    let other_scheme = if scheme == "https" { "http" } else { "https" };
    for (name, iss) in [
        ("a slash more", format!("{own}/")),
        ("in capitals", own.to_uppercase()),
        ("another scheme", format!("{other_scheme}://{rest}")),
        ("a port more", format!("{own}:443")),
        ("a path more", format!("{own}/a")),
        ("a host more", format!("{own}.evil.example")),
        ("as a user", format!("{own}@evil.example")),
        ("a query more", format!("{own}?")),
        ("a space more", format!("{own} ")),
        ("a NUL more", format!("{own}\u{0}")),
        ("a letter less", own[..own.len() - 1].to_owned()),
        ("another", "https://evil.example".to_owned()),
        ("empty", String::new()),
    ] {
        let token = insider.claiming("iss", iss.into());
        cases.refuse(format!("iss/{name}"), token, Why::Issuer);
    }
    wrong_types(
        insider,
        cases,
        "iss",
        &[json!([own]), json!({ "iss": own })],
    );
    absent(insider, cases, "iss");
}

fn audiences(insider: &Insider<'_>, cases: &mut Cases) {
    cases.covering("S10 CVE-2020-26160");
    let own = text(insider.claims, "aud");
    let claiming = |aud: Value| insider.claiming("aud", aud);
    cases.accept("aud/a list of one", claiming(json!([own])));
    cases.accept(
        "aud/a list with others",
        claiming(json!(["https://other.example", own])),
    );
    cases.accept("aud/a list with itself", claiming(json!([own, own])));
    for (name, aud) in [
        ("another", json!("https://other.example")),
        ("a list of others", json!(["https://other.example", "x"])),
        ("an empty list", json!([])),
        ("an empty text", json!("")),
        ("a list of an empty text", json!([""])),
        ("a prefix", json!(own[..own.len() - 1])),
        ("a path more", json!(format!("{own}/v1"))),
        ("in capitals", json!(own.to_uppercase())),
        ("a list in a text", json!(format!("[\"{own}\"]"))),
        (
            "two in a text",
            json!(format!("{own} https://other.example")),
        ),
        ("a star", json!("*")),
    ] {
        cases.refuse(format!("aud/{name}"), claiming(aud), Why::Audience);
    }
    wrong_types(
        insider,
        cases,
        "aud",
        &[
            json!({ own.clone(): own }),
            json!([[own]]),
            json!([own, 7]),
            json!([Value::Null, own]),
        ],
    );
    absent(insider, cases, "aud");
}

/// Who it is about, which session, which client, which token.
fn names(insider: &Insider<'_>, cases: &mut Cases) {
    cases.covering("S21 CVE-2026-25537");
    for name in ["sub", "sid"] {
        let own = text(insider.claims, name);
        for (what, value) in [
            ("empty", String::new()),
            ("a word", "admin".to_owned()),
            ("without dashes", own.replace('-', "")),
            ("in braces", format!("{{{own}}}")),
            ("as a URN", format!("urn:uuid:{own}")),
            ("a letter less", own[..own.len() - 1].to_owned()),
            ("a letter more", format!("{own}0")),
            ("a space more", format!("{own} ")),
            ("SQL", "' OR 1=1; -- 7000-8000-000000000001'".to_owned()),
        ] {
            let token = insider.claiming(name, value.into());
            cases.refuse(format!("{name}/{what}"), token, Why::Claim);
        }
    }
    let empty = insider.claiming("jti", json!(""));
    cases.refuse("jti/empty", empty, Why::Claim);
    for name in ["sub", "sid", "jti", "client_id"] {
        let own = text(insider.claims, name);
        wrong_types(insider, cases, name, &[json!([own])]);
        absent(insider, cases, name);
    }
}

fn lists(insider: &Insider<'_>, cases: &mut Cases) {
    cases.covering("S11 S21");
    wrong_types(insider, cases, "scope", &[json!(["openid"])]);
    for name in ["roles", "amr"] {
        let wrong = [
            json!("admin"),
            json!([1]),
            json!([["admin"]]),
            json!([null]),
            json!({"0": "admin"}),
        ];
        for value in wrong
            .into_iter()
            .chain([Value::Null, json!(7), json!(true)])
        {
            let what = format!("{name}/of type {value}");
            cases.refuse(what, insider.claiming(name, value), Why::Claim);
        }
    }
    for name in ["scope", "roles", "amr"] {
        let token = insider.carrying(without(insider.claims, name).to_string());
        cases.accept(format!("{name}/absent"), token);
    }
}

/// The values that are no text, and these ones.
fn wrong_types(insider: &Insider<'_>, cases: &mut Cases, name: &str, more: &[Value]) {
    let common = [Value::Null, json!(7), json!(1.5), json!(true), json!({})];
    for value in common.iter().chain(more) {
        let shown = if common.contains(value) {
            value.to_string()
        } else {
            kind(value)
        };
        let token = insider.claiming(name, value.clone());
        cases.refuse(format!("{name}/of type {shown}"), token, Why::Claim);
    }
}

/// A name for a value that has the installation's own names in it.
fn kind(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let kinds: Vec<String> = items.iter().map(kind).collect();
            format!("[{}]", kinds.join(", "))
        }
        Value::Object(_) => "{own}".to_owned(),
        Value::String(_) => "text".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn absent(insider: &Insider<'_>, cases: &mut Cases, name: &str) {
    let token = insider.carrying(without(insider.claims, name).to_string());
    cases.refuse(format!("{name}/absent"), token, Why::Claim);
}
