//! `POST /v1/refresh`: the ordinary path, in both transports.

use e2e::client::REFRESH_COOKIE;
use e2e::{Database, Person, Persona, Server, Setup, Transport, flows, jwt};
use serde_json::json;

use crate::shape;

flows!(
    a_refresh_answers_a_new_pair,
    the_old_token_is_dead_without_a_window,
    a_lost_reply_is_repeated,
    a_token_just_rotated_is_repeated,
);

/// S21 S44 S72 S124: both tokens are new, of the same session, one generation on.
fn a_refresh_answers_a_new_pair(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(&server, transport);
        let (access, refresh) = (client.access(), client.refresh_token());
        let reply = client.refresh().expect(200);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        assert_eq!(reply.json().get("user"), None);
        assert_ne!(client.access(), access);
        assert_ne!(client.refresh_token(), refresh);
        assert_ne!(
            jwt::claims(&client.access())["jti"],
            jwt::claims(&access)["jti"]
        );
        assert_eq!(jwt::integer(&refresh, "gen"), 0);
        assert_eq!(jwt::integer(&client.refresh_token(), "gen"), 1);
        for claim in ["sid", "sub", "iss", "client_id", "max"] {
            let new = &jwt::claims(&client.refresh_token())[claim];
            assert_eq!(new, &jwt::claims(&refresh)[claim], "{claim}");
        }
        client.get("/v1/me").expect(200);
    }
}

/// The body of a refresh in the body transport.
#[test]
fn the_pair_of_a_refresh_has_exactly_these_members() {
    let server = Server::sqlite();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    insta::assert_json_snapshot!(client.refresh().expect(200).json(), {
        ".access_token" => shape::token("at+jwt"),
        ".refresh_token" => shape::token("rt+jwt"),
        ".session_id" => shape::id(),
    }, @r#"
    {
      "access_token": "[at+jwt]",
      "expires_in": 900,
      "refresh_expires_in": 2592000,
      "refresh_token": "[rt+jwt]",
      "session_id": "[id]",
      "token_type": "Bearer"
    }
    "#);
}

/// S44 S46 S53: what is stored is one digest; a token that is not it is dead.
fn the_old_token_is_dead_without_a_window(database: Database) {
    let server = Setup::new(database)
        .set("RENEWD_REPLAY_WINDOW", "0")
        .start();
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(&server, transport);
        let sid = client.session();
        let mut digests = vec![
            server
                .store()
                .session(&sid, &server.store().hex("refresh_digest")),
        ];
        for _ in 0..5 {
            client.refresh().expect(200);
            digests.push(
                server
                    .store()
                    .session(&sid, &server.store().hex("refresh_digest")),
            );
        }
        digests.dedup();
        assert_eq!(digests.len(), 6, "the digest changes with every rotation");
        assert_eq!(server.store().session(&sid, "generation"), "5");
        let rows = server.store().texts("count(*)", "FROM sessions");
        let old = client.refresh_token();
        client.refresh().expect(200);
        assert_eq!(
            server.store().texts("count(*)", "FROM sessions"),
            rows,
            "no row is added"
        );
        client.present(&old).problem(401, "refresh_token_reused");
    }
}

/// I2 S50 S52: the same token again within the window gives the identical
/// successor, however often, and a new access token each time.
fn a_lost_reply_is_repeated(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(&server, transport);
        let lost = client.refresh_token();
        client.refresh().expect(200);
        let rotated_at = server.store().session(&client.session(), "rotated_at");
        for _ in 0..5 {
            let again = client.present(&lost).expect(200);
            assert_eq!(successor(&again, transport), Some(client.refresh_token()));
        }
        assert_eq!(server.store().session(&client.session(), "generation"), "1");
        assert_eq!(
            server.store().session(&client.session(), "rotated_at"),
            rotated_at
        );
        e2e::client::assert_alive(client.as_mut());
    }
}

/// I2: a current token that was just made is answered with itself, so that a
/// slow second tab does not overtake the first; its cookie is not set again.
fn a_token_just_rotated_is_repeated(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(&server, transport);
        client.refresh().expect(200);
        let (access, refresh) = (client.access(), client.refresh_token());
        let repeated = client.refresh().expect(200);
        assert_eq!(client.refresh_token(), refresh);
        assert_ne!(client.access(), access);
        assert_eq!(server.store().session(&client.session(), "generation"), "1");
        match transport {
            Transport::Body => assert_eq!(repeated.string("refresh_token"), refresh),
            Transport::Cookie => {
                assert_eq!(repeated.set_cookies().len(), 1, "{:?}", repeated.headers);
                assert_eq!(successor(&repeated, transport), None);
            }
        }
    }
}

/// The refresh token that an answer brings.
pub fn successor(reply: &e2e::Reply, transport: Transport) -> Option<String> {
    match transport {
        Transport::Body => Some(reply.string("refresh_token")),
        Transport::Cookie => reply
            .set_cookies()
            .into_iter()
            .find(|cookie| cookie.name == REFRESH_COOKIE)
            .map(|cookie| cookie.value),
    }
}

/// S65 S117: nothing to refresh with.
#[test]
fn without_a_token_there_is_nothing_to_refresh() {
    let server = Server::sqlite();
    server
        .call("POST", "/v1/refresh")
        .send()
        .problem(401, "refresh_token_missing");
    server
        .anonymous()
        .post("/v1/refresh", json!({}))
        .problem(401, "refresh_token_missing");
}

/// S121: a cookie and a body that differ are ambiguous; nothing is tried.
#[test]
fn two_different_refresh_tokens_are_ambiguous() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let (mut client, mut browser) = (ada.log_in(&server), ada.browse(&server));
    let body = json!({ "refresh_token": client.refresh_token() });
    let both = browser.call("POST", "/v1/refresh").json(body).send();
    let both = both.problem(400, "ambiguous_credentials");
    assert!(both.set_cookies().is_empty());
    e2e::client::assert_alive(&mut client);
    e2e::client::assert_alive(&mut browser);
}
