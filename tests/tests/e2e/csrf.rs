//! Requests that another site makes a browser send.

use e2e::client::assert_alive;
use e2e::server::ISSUER;
use e2e::{Browser, Call, Person, Persona, Server, Setup};
use serde_json::{Value, json};

const EVIL: &str = "https://evil.example";

/// Every unsafe route that cookies reach.
fn unsafe_calls(browser: &Browser, password: &str) -> Vec<Call> {
    let change = json!({ "current_password": password, "new_password": "orchard-Comet-7-window" });
    let session = format!("/v1/me/sessions/{}", browser.session());
    let with = |method: &str, path: &str, body: Value| browser.bare_call(method, path).json(body);
    vec![
        browser.bare_call("POST", "/v1/refresh"),
        browser.bare_call("POST", "/v1/logout"),
        browser.bare_call("POST", "/v1/logout/all"),
        browser.bare_call("POST", "/v1/logout/others"),
        with("POST", "/v1/me/password", change),
        with("PATCH", "/v1/me", json!({ "full_name": "Eve" })),
        with("DELETE", "/v1/me", json!({ "password": password })),
        browser.bare_call("DELETE", &session),
    ]
}

/// What the browser says of where a request comes from, and must not pass.
fn foreign() -> Vec<Vec<(&'static str, &'static str)>> {
    vec![
        vec![("sec-fetch-site", "cross-site"), ("origin", EVIL)],
        vec![("sec-fetch-site", "cross-site"), ("origin", "null")],
        vec![("sec-fetch-site", "cross-site")],
        vec![
            ("sec-fetch-site", "same-site"),
            ("origin", "http://app.localhost:8080"),
        ],
        vec![("sec-fetch-site", "nonsense"), ("origin", EVIL)],
        vec![("origin", EVIL)],
        vec![("origin", "null")],
        vec![("origin", "http://localhost:8080.evil.example")],
        vec![("origin", "https://localhost:8080")],
        vec![("origin", "http://localhost")],
        vec![("origin", "http://localhost:8081")],
        vec![("origin", "")],
    ]
}

fn with(call: Call, headers: &[(&str, &str)]) -> Call {
    headers
        .iter()
        .fold(call, |call, (name, value)| call.header(name, *value))
}

/// S101 S119: refused at every route, with nothing changed and no cookie touched.
#[test]
fn foreign_requests_are_refused_everywhere() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let mut browser = ada.browse(&server);
    for headers in foreign() {
        for call in unsafe_calls(&browser, &ada.password) {
            let what = format!("{call:?}");
            let reply = with(call, &headers).send();
            assert_eq!(
                reply.code(),
                "csrf_rejected",
                "{what} {headers:?}: {}",
                reply.text()
            );
            let reply = reply.problem(403, "csrf_rejected");
            assert!(reply.set_cookies().is_empty(), "{headers:?}");
        }
    }
    assert_eq!(
        server.store().session(&browser.session(), "generation"),
        "0"
    );
    let me = browser.get("/v1/me").expect(200).json();
    assert_eq!(me["user"]["full_name"], "ada of Example");
    assert_alive(&mut browser);
}

/// S97 S119: a login that would set cookies is guarded too, before there are any.
#[test]
fn a_foreign_cookie_login_is_refused() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let mut body = ada.credentials();
    body["transport"] = "cookie".into();
    for headers in foreign() {
        let call = server.call("POST", "/v1/login").json(body.clone());
        let reply = with(call, &headers).send().problem(403, "csrf_rejected");
        assert!(reply.set_cookies().is_empty());
    }
    assert_eq!(server.store().live_sessions(), 0);
}

/// S119: what passes: the own page, an allowed origin, and what is no browser.
#[test]
fn own_requests_pass() {
    let server = Setup::sqlite()
        .set(
            "RENEWD_ALLOWED_ORIGINS",
            &format!("{ISSUER},https://app.example.com"),
        )
        .start();
    let ada = Person::registered(&server, "ada");
    for headers in [
        vec![("sec-fetch-site", "same-origin")],
        vec![("sec-fetch-site", "none")],
        vec![("sec-fetch-site", "same-origin"), ("origin", EVIL)],
        vec![
            ("sec-fetch-site", "cross-site"),
            ("origin", "https://app.example.com"),
        ],
        vec![("sec-fetch-site", "same-site"), ("origin", ISSUER)],
        vec![("origin", ISSUER)],
        vec![("origin", "https://app.example.com")],
        vec![],
    ] {
        let browser = ada.browse(&server);
        let call = browser
            .bare_call("PATCH", "/v1/me")
            .json(json!({ "full_name": "Ada" }));
        with(call, &headers).send().expect(200);
        with(browser.bare_call("POST", "/v1/refresh"), &headers)
            .send()
            .expect(200);
        with(browser.bare_call("POST", "/v1/logout"), &headers)
            .send()
            .expect(204);
    }
}

/// S119: without cookies there is nothing that a foreign page could use; reading
/// is safe anyway.
#[test]
fn requests_without_cookies_are_not_guarded() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let mut client = ada.log_in(&server);
    let evil = [("sec-fetch-site", "cross-site"), ("origin", EVIL)];
    let call = client
        .call("PATCH", "/v1/me")
        .json(json!({ "full_name": "Ada" }));
    with(call, &evil).send().expect(200);
    with(
        server.call("POST", "/v1/login").json(ada.credentials()),
        &evil,
    )
    .send()
    .expect(200);
    let body = json!({ "refresh_token": client.refresh_token() });
    with(server.call("POST", "/v1/refresh").json(body), &evil)
        .send()
        .expect(200);
    let browser = ada.browse(&server);
    with(browser.bare_call("GET", "/v1/me"), &evil)
        .send()
        .expect(200);
    with(browser.bare_call("GET", "/v1/verify"), &evil)
        .send()
        .expect(204);
    client.refresh().expect(200);
}
