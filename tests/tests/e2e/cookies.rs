//! The cookie transport: exactly these cookies, and no token anywhere else.

use e2e::client::{ACCESS_COOKIE, REFRESH_COOKIE};
use e2e::{Browser, Database, Person, Persona, Server, Setup, flows};
use serde_json::json;

use crate::shape;

flows!(
    two_cookies_and_no_token_in_the_body,
    a_refresh_sets_both_again
);

/// S115 S116 S117 S124: names, attributes, and a body without tokens.
fn two_cookies_and_no_token_in_the_body(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let mut browser = Browser::new(&server.anonymous());
    let reply = browser.log_in(&ada).expect(200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    insta::assert_json_snapshot!(reply.json(), {
        ".session_id" => shape::id(),
        ".user.id" => shape::id(),
        ".user.created_at" => shape::time(),
    }, @r#"
    {
      "expires_in": 900,
      "refresh_expires_in": 2592000,
      "session_id": "[id]",
      "token_type": "Bearer",
      "user": {
        "created_at": "[time]",
        "email": "ada@example.com",
        "email_verified": false,
        "full_name": "ada of Example",
        "id": "[id]",
        "roles": [],
        "username": "ada"
      }
    }
    "#);
    assert_eq!(reply.set_cookies().len(), 2);
    insta::assert_snapshot!(reply.set_cookie(ACCESS_COOKIE).attributes.join("; "),
        @"HttpOnly; Max-Age=2592000; Path=/; SameSite=Lax; Secure");
    insta::assert_snapshot!(reply.set_cookie(REFRESH_COOKIE).attributes.join("; "),
        @"HttpOnly; Max-Age=2592000; Path=/v1; SameSite=Strict; Secure");
    for cookie in reply.set_cookies() {
        assert!(
            cookie.name.len() + cookie.value.len() <= 4096,
            "{}",
            cookie.name
        );
        assert!(!reply.text().contains(&cookie.value));
    }
}

/// S44 S117: a rotation over cookies.
fn a_refresh_sets_both_again(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let mut browser = ada.browse(&server);
    let before = (browser.access(), browser.refresh_token());
    let reply = browser.refresh().expect(200);
    insta::assert_json_snapshot!(reply.json(), { ".session_id" => shape::id() }, @r#"
    {
      "expires_in": 900,
      "refresh_expires_in": 2592000,
      "session_id": "[id]",
      "token_type": "Bearer"
    }
    "#);
    assert_eq!(reply.set_cookies().len(), 2);
    assert_eq!(
        reply.set_cookie(REFRESH_COOKIE).attributes.join("; "),
        "HttpOnly; Max-Age=2592000; Path=/v1; SameSite=Strict; Secure"
    );
    assert_ne!(browser.access(), before.0);
    assert_ne!(browser.refresh_token(), before.1);
    browser.get("/v1/me").expect(200);
}

/// A refresh that cannot succeed any more takes both cookies away.
#[test]
fn a_terminal_failure_clears_both_cookies() {
    let server = Server::sqlite();
    let mut browser = Person::registered(&server, "ada").browse(&server);
    let set: Vec<_> = browser.jar.iter().map(e2e::SetCookie::identity).collect();
    let junk = browser
        .present("junk")
        .problem(401, "refresh_token_invalid");
    browser.call("POST", "/v1/logout").send().expect(204);
    let ended = browser.refresh().problem(401, "session_revoked");
    for reply in [junk, ended] {
        assert!(reply.set_cookies().iter().all(e2e::SetCookie::clears));
        let mut cleared: Vec<_> = reply
            .set_cookies()
            .iter()
            .map(e2e::SetCookie::identity)
            .collect();
        cleared.sort_by_key(|cookie| set.iter().position(|known| known == cookie));
        assert_eq!(cleared, set);
    }
    assert!(browser.jar.is_empty());
}

/// S115: `remember: false` makes cookies that end with the browser.
#[test]
fn cookies_can_end_with_the_browser() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let mut browser = Browser::new(&server.anonymous());
    browser
        .log_in_with(&ada, &json!({ "remember": false }))
        .expect(200);
    let refreshed = browser.refresh().expect(200);
    for cookie in browser.jar.iter().chain(&refreshed.set_cookies()) {
        assert_eq!(cookie.attribute("Max-Age"), None, "{cookie:?}");
        assert_eq!(cookie.attribute("Expires"), None, "{cookie:?}");
    }
    browser.get("/v1/me").expect(200);
}

/// Plain http in development: no prefix, no `Secure`.
#[test]
fn without_tls_the_names_lose_their_prefix() {
    let server = Setup::sqlite().set("RENEWD_COOKIE_SECURE", "false").start();
    let ada = Person::registered(&server, "ada");
    let mut browser = Browser::with_names(&server.anonymous(), "renewd_access", "renewd_refresh");
    let reply = browser.log_in(&ada).expect(200);
    insta::assert_snapshot!(reply.set_cookie("renewd_access").attributes.join("; "),
        @"HttpOnly; Max-Age=2592000; Path=/; SameSite=Lax");
    insta::assert_snapshot!(reply.set_cookie("renewd_refresh").attributes.join("; "),
        @"HttpOnly; Max-Age=2592000; Path=/v1; SameSite=Strict");
    browser.refresh().expect(200);
    browser.get("/v1/me").expect(200);
    browser.log_out().expect(204);
    assert!(browser.jar.is_empty(), "{:?}", browser.jar);
}

/// S115: a domain is for the access cookie alone, which then cannot be `__Host-`.
#[test]
fn the_access_cookie_can_have_a_domain() {
    let server = Setup::sqlite()
        .set("RENEWD_COOKIE_DOMAIN", "example.com")
        .start();
    let ada = Person::registered(&server, "ada");
    let mut browser = Browser::with_names(
        &server.anonymous(),
        "__Secure-renewd_access",
        REFRESH_COOKIE,
    );
    let reply = browser.log_in(&ada).expect(200);
    insta::assert_snapshot!(reply.set_cookie("__Secure-renewd_access").attributes.join("; "),
        @"Domain=example.com; HttpOnly; Max-Age=2592000; Path=/; SameSite=Lax; Secure");
    assert_eq!(reply.set_cookie(REFRESH_COOKIE).attribute("Domain"), None);
    browser.refresh().expect(200);
    let out = browser.log_out().expect(204);
    let cleared = out.set_cookie("__Secure-renewd_access");
    assert!(cleared.clears());
    assert_eq!(cleared.attribute("Domain"), Some("example.com"));
}

/// S97: a cookie login ends the session that it replaces, and never adopts it.
#[test]
fn a_login_replaces_the_session_of_its_cookies() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let mut browser = ada.browse(&server);
    let old = browser.clone();
    browser.log_in(&ada).expect(200);
    assert_ne!(browser.session(), old.session());
    e2e::client::assert_dead(&old);
    assert_eq!(
        server.store().session(&old.session(), "end_reason"),
        "replaced"
    );
    e2e::client::assert_alive(&mut browser);
}

/// A cookie login of somebody else ends the first one's session too.
#[test]
fn another_user_at_the_same_browser_ends_the_first_ones_session() {
    let server = Server::sqlite();
    let mut browser = Person::registered(&server, "ada").browse(&server);
    let old = browser.clone();
    browser
        .log_in(&Person::registered(&server, "bob"))
        .expect(200);
    e2e::client::assert_dead(&old);
    // A refused login replaces nothing.
    let before = browser.clone();
    let nobody = Person::named("nobody");
    browser.log_in(&nobody).problem(401, "invalid_credentials");
    assert_eq!(browser.jar, before.jar);
    e2e::client::assert_alive(&mut browser);
}
