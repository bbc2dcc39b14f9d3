//! `Cookie` and `Authorization` headers, through the whole application.
//!
//! Each line is a header; `{1}`, `{2}` and `{3}` stand for good tokens, the first two of one
//! session. What the application takes them for is compared with a second, plain reading of
//! RFC 6265 §5.2 and RFC 6750 §2.1.

#![no_main]

use std::collections::BTreeSet;
use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use actix_web::test::TestRequest;
use fuzz::access::{HEADER, claims, sign};
use fuzz::application::Application;
use fuzz::{AUDIENCE, NOW};
use libfuzzer_sys::fuzz_target;

const NAME: &[u8] = b"__Host-renewd_access";
const ONE: &str = "0190b0a0-0000-7000-8000-000000000002";
const OTHER: &str = "0190b0a0-0000-7000-8000-000000000003";

static TOKENS: LazyLock<[String; 3]> = LazyLock::new(|| {
    [(ONE, NOW), (ONE, NOW - 5), (OTHER, NOW)]
        .map(|(session, at)| sign(&*HEADER, claims(session, AUDIENCE, at).to_string()))
});

thread_local! {
    static APPLICATION: Application = Application::start();
}

fuzz_target!(|data: &[u8]| {
    let mut text = String::from_utf8_lossy(data).into_owned();
    for (at, token) in TOKENS.iter().enumerate() {
        text = text.replace(&format!("{{{}}}", at + 1), token);
    }
    let mut request = TestRequest::get().uri("/v1/verify");
    let (mut cookies, mut authorizations) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let (name, kept, value) = match line.strip_prefix("Bearer") {
            Some(_) => ("authorization", &mut authorizations, line),
            None => ("cookie", &mut cookies, line),
        };
        let Ok(value) = HeaderValue::from_bytes(value.trim_ascii().as_bytes()) else {
            return;
        };
        kept.push(value.clone());
        request = request.append_header((name, value));
    }
    let answer = APPLICATION.with(|application| application.send(request));
    let expected = expected(&cookies, &authorizations);
    assert_eq!(answer.status, expected, "{cookies:?} {authorizations:?}");
    if expected != StatusCode::NO_CONTENT {
        answer.assert_problem();
    }
});

fn expected(cookies: &[HeaderValue], authorizations: &[HeaderValue]) -> StatusCode {
    const AMBIGUOUS: StatusCode = StatusCode::BAD_REQUEST;
    const REFUSED: StatusCode = StatusCode::UNAUTHORIZED;
    let bearer = match authorizations {
        [] => None,
        [one] => bearer(one.as_bytes()),
        _ => return AMBIGUOUS,
    };
    let values = values(cookies);
    if values.len() > 8 {
        return AMBIGUOUS;
    }
    let sessions: BTreeSet<&str> = values.iter().filter_map(|value| session(value)).collect();
    if values.len() > 1 && sessions.len() > 1 {
        return AMBIGUOUS;
    }
    let newest = TOKENS.iter().find(|token| values.contains(*token)).cloned();
    // A single one counts whatever it is, and of several bad ones the first does.
    let cookie = newest.or_else(|| values.first().cloned());
    match (bearer, cookie) {
        (Some(bearer), Some(cookie)) if bearer != cookie => AMBIGUOUS,
        (Some(token), _) | (None, Some(token)) if session(&token).is_some() => {
            StatusCode::NO_CONTENT
        }
        _ => REFUSED,
    }
}

fn session(token: &str) -> Option<&'static str> {
    let at = TOKENS.iter().position(|good| good == token)?;
    [ONE, ONE, OTHER].get(at).copied()
}

fn bearer(value: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(value);
    let (scheme, token) = text.split_once(' ').unwrap_or((&text, ""));
    (scheme == "Bearer").then(|| token.trim_matches(' ').to_owned())
}

/// The different values of the cookie, in their order.
fn values(cookies: &[HeaderValue]) -> Vec<String> {
    let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    let trimmed = |bytes: &[u8]| {
        let from = bytes
            .iter()
            .position(|byte| !blank(byte))
            .unwrap_or(bytes.len());
        let to = bytes
            .iter()
            .rposition(|byte| !blank(byte))
            .map_or(from, |at| at + 1);
        bytes[from..to].to_vec()
    };
    let mut values = Vec::new();
    for pair in cookies
        .iter()
        .flat_map(|header| header.as_bytes().split(|byte| *byte == b';'))
    {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else {
            continue;
        };
        let Ok(value) = String::from_utf8(trimmed(value)) else {
            continue;
        };
        if trimmed(name) == NAME && !value.is_empty() && !values.contains(&value) {
            values.push(value);
        }
    }
    values
}
