//! Logout: one, all, others; both tokens at once; whatever is left to name the
//! session with.

use e2e::client::{ACCESS_COOKIE, REFRESH_COOKIE, assert_alive, assert_dead};
use e2e::{Database, Person, Persona, Reply, Server, Setup, Transport, clock, flows, jwt};
use serde_json::json;

flows!(
    logout_kills_both_tokens,
    an_expired_access_token_will_do,
    any_generation_of_refresh_token_will_do,
    logout_all_ends_every_session,
    logout_others_ends_the_others,
    a_logout_survives_a_crash,
);

/// I5 S99 S100: both tokens are dead with the 204; again is 204 as well.
fn logout_kills_both_tokens(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        let mut bystander = ada.log_in(&server);
        let client = ada.log_in_by(&server, transport);
        client.get("/v1/verify").expect(204);
        client.call("POST", "/v1/logout").send().expect(204);
        assert_dead(client.as_ref());
        assert_eq!(
            server.store().session(&client.session(), "end_reason"),
            "logout"
        );
        client.call("POST", "/v1/logout").send().expect(204);
        assert_alive(&mut bystander);
    }
}

/// S100: cookies are cleared under the names and attributes under which they
/// were set.
#[test]
fn cookies_are_cleared_as_they_were_set() {
    let server = Server::sqlite();
    let mut browser = Person::registered(&server, "ada").browse(&server);
    let set: Vec<_> = browser.jar.iter().map(e2e::SetCookie::identity).collect();
    let reply = browser.log_out().expect(204);
    let cleared: Vec<_> = reply
        .set_cookies()
        .iter()
        .map(e2e::SetCookie::identity)
        .collect();
    assert_eq!(sorted(cleared), sorted(set));
    assert!(
        reply
            .set_cookies()
            .iter()
            .all(|cookie| cookie.clears() && cookie.value.is_empty())
    );
    assert!(browser.jar.is_empty());
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort();
    list
}

/// S100: correctly signed is enough.
fn an_expired_access_token_will_do(database: Database) {
    let server = Setup::new(database)
        .set("ACCESS_TOKEN_EXPIRY", "1s")
        .start();
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        let client = ada.log_in_by(&server, transport);
        let access = client.access();
        clock::wait_past(jwt::time(&access, "exp"));
        let call = server.call("POST", "/v1/logout");
        let call = match transport {
            Transport::Body => call.bearer(&access),
            Transport::Cookie => call.cookie(ACCESS_COOKIE, &access),
        };
        call.send().expect(204);
        client
            .present(&client.refresh_token())
            .problem(401, "session_revoked");
    }
}

/// S100: an old refresh token at logout is not reuse; nor does the current one
/// need an access token beside it.
fn any_generation_of_refresh_token_will_do(database: Database) {
    let server = Setup::new(database)
        .set("RENEWD_REPLAY_WINDOW", "0")
        .start();
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        for back in [0, 1, 3] {
            let mut client = ada.log_in_by(&server, transport);
            let mut chain = vec![client.refresh_token()];
            for _ in 0..3 {
                client.refresh().expect(200);
                chain.push(client.refresh_token());
            }
            leave_with(&server, transport, &chain[3 - back]).expect(204);
            assert_dead(client.as_ref());
            assert_eq!(
                server.store().session(&client.session(), "end_reason"),
                "logout"
            );
            leave_with(&server, transport, &chain[0]).expect(204);
        }
    }
}

fn leave_with(server: &Server, transport: Transport, refresh_token: &str) -> Reply {
    let call = server.call("POST", "/v1/logout");
    match transport {
        Transport::Body => call.json(json!({ "refresh_token": refresh_token })).send(),
        Transport::Cookie => call.cookie(REFRESH_COOKIE, refresh_token).send(),
    }
}

/// S100: with nothing usable: 401, and cookies go all the same.
#[test]
fn with_nothing_usable_the_cookies_still_go() {
    let server = Server::sqlite();
    server
        .call("POST", "/v1/logout")
        .send()
        .expect(401)
        .any_problem();
    let reply = server
        .call("POST", "/v1/logout")
        .header(
            "cookie",
            format!("{ACCESS_COOKIE}=junk; {REFRESH_COOKIE}=a.b.c"),
        )
        .send()
        .expect(401)
        .any_problem();
    for name in [ACCESS_COOKIE, REFRESH_COOKIE] {
        assert!(reply.set_cookie(name).clears());
    }
    server
        .call("POST", "/v1/logout")
        .bearer("junk")
        .send()
        .expect(401)
        .any_problem();
}

/// Two sessions named at once: both end.
#[test]
fn two_sessions_that_are_named_both_end() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let (one, two) = (ada.log_in(&server), ada.log_in(&server));
    let body = json!({ "refresh_token": two.refresh_token() });
    one.call("POST", "/v1/logout").json(body).send().expect(204);
    assert_dead(&one);
    assert_dead(&two);
}

/// S102: every session of this user, this one too, and nobody else's.
fn logout_all_ends_every_session(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let mut bob = Person::registered(&server, "bob").log_in(&server);
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(&server, transport);
        let held = (client.access(), client.refresh_token());
        let others = Transport::BOTH.map(|transport| ada.log_in_by(&server, transport));
        let session = client.session();
        let reply = client.post("/v1/logout/all").expect(204);
        if transport == Transport::Cookie {
            assert_eq!(
                reply
                    .set_cookies()
                    .iter()
                    .filter(|cookie| cookie.clears())
                    .count(),
                2
            );
        }
        client.present(&held.1).problem(401, "session_revoked");
        server
            .call("GET", "/v1/verify")
            .bearer(&held.0)
            .send()
            .problem(401, "session_revoked");
        for other in &others {
            assert_dead(other.as_ref());
        }
        assert_eq!(server.store().session(&session, "end_reason"), "logout_all");
    }
    assert_alive(&mut bob);
}

/// S102: every other session of this user.
fn logout_others_ends_the_others(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let mut bob = Person::registered(&server, "bob").log_in(&server);
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(&server, transport);
        let others = Transport::BOTH.map(|transport| ada.log_in_by(&server, transport));
        let reply = client.post("/v1/logout/others").expect(204);
        assert!(reply.set_cookies().is_empty(), "{:?}", reply.headers);
        for other in &others {
            assert_dead(other.as_ref());
            let reason = server.store().session(&other.session(), "end_reason");
            assert_eq!(reason, "logout_others");
        }
        assert_alive(client.as_mut());
    }
    assert_alive(&mut bob);
}

/// S101: these need a live access token.
#[test]
fn logout_of_many_needs_an_access_token() {
    let server = Server::sqlite();
    let client = Person::registered(&server, "ada").log_in(&server);
    for path in ["/v1/logout/all", "/v1/logout/others"] {
        server
            .call("POST", path)
            .send()
            .problem(401, "access_token_missing");
        let refresh = server
            .call("POST", path)
            .bearer(&client.refresh_token())
            .send();
        refresh.problem(401, "access_token_invalid");
    }
    client.get("/v1/me").expect(200);
}

/// I4 I5: acknowledged, hence in the database; and the set of ended sessions is
/// read again at the start.
fn a_logout_survives_a_crash(database: Database) {
    let mut server = Server::on(database);
    let client = Person::registered(&server, "ada").log_in(&server);
    client.call("POST", "/v1/logout").send().expect(204);
    server.restart();
    assert_dead(&client);
}
