//! `/v1/me/sessions`: what a user sees of the own sessions, and ending one.

use e2e::client::{assert_alive, assert_dead, sessions};
use e2e::{Database, Person, Persona, Server, Setup, Transport, flows};
use serde_json::json;

use crate::shape;

flows!(
    a_user_sees_the_own_sessions,
    a_user_ends_one_session,
    the_cap_ends_the_least_recently_refreshed,
);

/// S114: exactly these members, without a token or a digest.
fn a_user_sees_the_own_sessions(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    Person::registered(&server, "bob").log_in(&server);
    let mut body = ada.credentials();
    body["label"] = "the kitchen".into();
    let login = server
        .call("POST", "/v1/login")
        .header("user-agent", "kitchen/1.0")
        .json(body);
    let pair = login.send().expect(200).json();
    let client = e2e::BodyClient::with_pair(&server.anonymous(), pair);
    let reply = client.get("/v1/me/sessions").expect(200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    insta::assert_json_snapshot!(reply.json(), {
        ".sessions[].id" => shape::id(),
        ".sessions[].created_at" => shape::time(),
        ".sessions[].last_refreshed_at" => shape::time(),
        ".sessions[].expires_at" => shape::time(),
    }, @r#"
    {
      "sessions": [
        {
          "created_at": "[time]",
          "current": true,
          "expires_at": "[time]",
          "id": "[id]",
          "ip": "127.0.0.1",
          "label": "the kitchen",
          "last_refreshed_at": "[time]",
          "user_agent": "kitchen/1.0"
        }
      ]
    }
    "#);

    for transport in Transport::BOTH {
        let other = ada.log_in_by(&server, transport);
        let listed = sessions(other.as_ref());
        let current: Vec<_> = listed.iter().filter(|one| one["current"] == true).collect();
        assert_eq!(current.len(), 1);
        assert_eq!(current[0]["id"], other.session());
        assert!(listed.iter().any(|one| one["id"] == client.session()));
        // What ended is not listed.
        other.call("POST", "/v1/logout").send().expect(204);
        assert_eq!(sessions(&client).len(), 1);
    }
}

/// S114: another one, or this one; not somebody else's, and not one that is not.
fn a_user_ends_one_session(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let mut bob = Person::registered(&server, "bob").log_in(&server);
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(&server, transport);
        let other = ada.log_in_by(&server, transport);
        let end = |client: &dyn Persona, id: &str| {
            client
                .call("DELETE", &format!("/v1/me/sessions/{id}"))
                .send()
        };
        end(client.as_ref(), &other.session()).expect(204);
        assert_dead(other.as_ref());
        assert_alive(client.as_mut());

        for id in [
            &bob.session(),
            "018f0000-0000-7000-8000-000000000000",
            "7",
            "%00",
        ] {
            end(client.as_ref(), id).expect(404).any_problem();
        }
        end(client.as_ref(), &client.session()).expect(204);
        assert_dead(client.as_ref());
    }
    assert_alive(&mut bob);
}

/// S70: beyond the cap the least recently refreshed one goes.
fn the_cap_ends_the_least_recently_refreshed(database: Database) {
    let server = Setup::new(database)
        .set("RENEWD_SESSIONS_PER_USER", "3")
        .start();
    let ada = Person::registered(&server, "ada");
    let mut first = ada.log_in(&server);
    let second = ada.log_in(&server);
    let mut third = ada.log_in(&server);
    first.refresh().expect(200);
    let mut fourth = ada.log_in(&server);
    assert_dead(&second);
    assert_eq!(
        server.store().session(&second.session(), "end_reason"),
        "limit"
    );
    for client in [&mut first, &mut third, &mut fourth] {
        assert_alive(client);
    }
    assert_eq!(sessions(&first).len(), 3);
}

/// S70: also when the logins come at once.
#[test]
fn the_cap_holds_under_parallel_logins() {
    let server = Setup::sqlite().set("RENEWD_SESSIONS_PER_USER", "3").start();
    let ada = Person::registered(&server, "ada");
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                server
                    .anonymous()
                    .post("/v1/login", ada.credentials())
                    .expect(200)
            });
        }
    });
    assert_eq!(server.store().live_sessions(), 3);
}

/// A label is text of a sensible length, kept as it is.
#[test]
fn a_label_is_parsed() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    for bad in [json!("x".repeat(10_000)), json!(7), json!("a\u{0}b")] {
        let mut body = ada.credentials();
        body["label"] = bad;
        server
            .anonymous()
            .post("/v1/login", body)
            .expect(422)
            .any_problem();
    }
}
