//! Forms and `Basic` credentials at the endpoints of OAuth, through the whole application.
//!
//! `{basic}`, `{id}` and `{secret}` stand for those of a registered client. Every refusal is what
//! RFC 6749 §5.2 says: a code of its list, a description of its characters, a challenge with a 401.
//! Tokens are given only to who said the secret, and no secret comes back.

#![no_main]

use actix_web::http::StatusCode;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fuzz::application::Application;
use fuzz::request::Request;
use libfuzzer_sys::fuzz_target;

const PATHS: [&str; 3] = ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"];

/// RFC 6749 §5.2, RFC 7009 §2.2.1, RFC 6750 §3.1 and what stands for 5xx (RFC 6749 §4.1.2.1).
const CODES: [&str; 9] = [
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "unsupported_token_type",
    "slow_down",
    "temporarily_unavailable",
];

thread_local! {
    static APPLICATION: Application = Application::start();
}

fuzz_target!(|data: &[u8]| {
    APPLICATION.with(|application| check(application, data));
});

fn check(application: &Application, data: &[u8]) {
    let (id, secret) = (&application.client_id, &application.client_secret);
    let basic = STANDARD.encode(format!("{id}:{secret}"));
    let places = [("{basic}", &basic), ("{id}", id), ("{secret}", secret)];
    let mut text = data.to_vec();
    for (place, value) in places {
        text = replaced(&text, place.as_bytes(), value.as_bytes());
    }
    let Some(request) = Request::parse(&text) else {
        return;
    };
    if request.method != "POST" || !PATHS.contains(&request.target.as_str()) {
        return;
    }
    let answer = application.send(request.to_test());
    if answer.status == StatusCode::OK {
        let proven = contains(&text, basic.as_bytes()) || contains(&text, secret.as_bytes());
        let reveals = contains(&answer.body, b"access_token") || contains(&answer.body, b"active");
        assert!(
            proven || !reveals || could_decode_to(&request, secret),
            "without proof"
        );
    } else if answer.status != StatusCode::FORBIDDEN {
        assert!(!answer.status.is_server_error(), "{}", answer.status);
        let document = answer.json();
        let code = document["error"].as_str().expect("a code");
        assert!(CODES.contains(&code), "{code}");
        let told = document["error_description"]
            .as_str()
            .expect("a description");
        assert!(
            told.bytes()
                .all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        );
        let challenged = answer.headers.contains_key("www-authenticate");
        assert_eq!(challenged, answer.status == StatusCode::UNAUTHORIZED);
    }
    if request.is_marked() {
        answer.assert_discreet();
    }
}

/// Whether the secret may be there in another spelling: percent-encoded, or inside base64.
fn could_decode_to(request: &Request, secret: &str) -> bool {
    let is_encoded = |(_, value): &(_, actix_web::http::header::HeaderValue)| {
        let text = value.as_bytes();
        let text = text
            .split(|byte| *byte == b' ')
            .next_back()
            .unwrap_or_default();
        STANDARD
            .decode(text)
            .is_ok_and(|decoded| decoded.len() >= secret.len())
    };
    contains(&request.body, b"%") || request.headers.iter().any(is_encoded)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn replaced(text: &[u8], place: &[u8], value: &[u8]) -> Vec<u8> {
    let mut new = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(place.len()).position(|window| window == place) {
        new.extend_from_slice(&rest[..at]);
        new.extend_from_slice(value);
        rest = &rest[at + place.len()..];
    }
    new.extend_from_slice(rest);
    new
}
