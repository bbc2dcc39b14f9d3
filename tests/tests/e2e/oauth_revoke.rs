//! Revocation.

use e2e::client::assert_alive;
use e2e::client::registered::form_to;
use e2e::{Database, Person, Persona, Registered, Server, Setup, flows, jwt};

flows!(
    either_token_revokes_both,
    what_is_no_token_is_revoked_already,
    nobody_revokes_the_tokens_of_another_client,
    a_revoked_client_token_takes_its_siblings_along,
    the_built_in_client_revokes_its_own,
);

/// S46 S56: the session ends, whichever token is given back, expired or spent or not.
fn either_token_revokes_both(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let backend = Registered::new(&server, &[]);
    for by_access in [true, false] {
        let user = backend.log_in(&ada);
        let spent = user.refresh_token();
        let newer = backend.refresh(&spent).expect(200);
        let access = newer.string("access_token");
        let given = if by_access { &access } else { &spent };
        for _ in 0..2 {
            let reply = backend.revoke(given).expect(200);
            assert!(reply.bytes.is_empty());
        }
        for token in [&access, &user.access()] {
            let verify = server.call("GET", "/v1/verify").bearer(token);
            verify.send().problem(401, "session_revoked");
        }
        let newest = newer.string("refresh_token");
        backend.refresh(&newest).oauth_error(400, "invalid_grant");
        let reason = server.store().session(&user.session(), "end_reason");
        assert_eq!(reason, "logout");
    }
}

/// RFC 7009 §2.2: 200 for what cannot be used anyway; hints are not believed.
fn what_is_no_token_is_revoked_already(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let backend = Registered::new(&server, &[]);
    let mut bystander = ada.log_in(&server);
    let token = backend.token();
    let (input, _) = token.rsplit_once('.').expect("a signature");
    let forged = format!("{input}.{}", jwt::encode([7; 64]));
    for junk in ["junk", "a.b.c", &forged, &"x".repeat(20_000)] {
        backend.revoke(junk).expect(200);
    }
    assert_eq!(backend.introspect(&token)["active"], true);
    for hint in ["refresh_token", "access_token", "junk"] {
        let token = backend.token();
        let parameters = [("token", token.as_str()), ("token_type_hint", hint)];
        backend.post("/oauth2/revoke", &parameters).expect(200);
        assert_eq!(backend.introspect(&token)["active"], false, "{hint}");
    }
    let missing = backend.post("/oauth2/revoke", &[]);
    missing.oauth_error(400, "invalid_request");
    assert_alive(&mut bystander);
}

/// S62
fn nobody_revokes_the_tokens_of_another_client(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let (a, b) = (Registered::new(&server, &[]), Registered::new(&server, &[]));
    let user = a.log_in(&ada);
    let machine = a.token();
    for token in [user.access(), user.refresh_token(), machine.clone()] {
        b.revoke(&token).oauth_error(400, "invalid_grant");
        let public = [("client_id", "renewd"), ("token", token.as_str())];
        let public = form_to(&server.anonymous(), "/oauth2/revoke", &public);
        public.send().oauth_error(400, "invalid_grant");
        let nobody = form_to(
            &server.anonymous(),
            "/oauth2/revoke",
            &[("token", token.as_str())],
        );
        nobody.send().oauth_error(401, "invalid_client");
    }
    user.get("/v1/verify").expect(204);
    a.refresh(&user.refresh_token()).expect(200);
    assert_eq!(a.introspect(&machine)["active"], true);
}

/// A leaked token of a client's own dies with all that were made before it, at
/// once; the client gets new ones with its secret.
fn a_revoked_client_token_takes_its_siblings_along(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let backend = Registered::new(&server, &[]);
    let user = backend.log_in(&ada);
    let (one, two) = (backend.token(), backend.token());
    backend.revoke(&one).expect(200);
    let verify = |token: &str| server.call("GET", "/v1/verify").bearer(token).send();
    verify(&one).problem(401, "session_revoked");
    verify(&two).problem(401, "session_revoked");
    let three = backend.token();
    verify(&three).expect(204);
    assert_ne!(jwt::claims(&one)["sid"], jwt::claims(&three)["sid"]);
    assert_eq!(
        jwt::claims(&three)["sid"],
        jwt::claims(&backend.token())["sid"]
    );
    user.get("/v1/verify").expect(204);
}

/// S64: a cookie's refresh token is none in a body.
fn the_built_in_client_revokes_its_own(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let revoke = |token: &str| {
        let parameters = [("client_id", "renewd"), ("token", token)];
        form_to(&server.anonymous(), "/oauth2/revoke", &parameters).send()
    };
    let app = ada.log_in(&server);
    revoke(&app.refresh_token()).expect(200);
    e2e::client::assert_dead(&app);
    let mut browser = ada.browse(&server);
    revoke(&browser.refresh_token()).expect(200);
    assert_alive(&mut browser);
    revoke(&browser.access()).expect(200);
    browser.get("/v1/verify").problem(401, "session_revoked");
}

/// S58: what could not be revoked is not said to be.
#[test]
fn an_outage_is_no_revocation() {
    let server = Setup::sqlite().with_failing_writes().start();
    let ada = Person::registered(&server, "ada");
    let backend = Registered::new(&server, &[]);
    let user = backend.log_in(&ada);
    let machine = backend.token();
    server.fail_writes(true);
    for token in [user.access(), user.refresh_token(), machine] {
        let reply = backend.revoke(&token);
        assert!(reply.header("retry-after").is_some(), "{:?}", reply.headers);
        reply.oauth_error(503, "temporarily_unavailable");
    }
    let refused = backend.refresh(&user.refresh_token());
    refused.oauth_error(503, "temporarily_unavailable");
    server.fail_writes(false);
    user.get("/v1/verify").expect(204);
    backend.revoke(&user.access()).expect(200);
    user.get("/v1/verify").problem(401, "session_revoked");
}
