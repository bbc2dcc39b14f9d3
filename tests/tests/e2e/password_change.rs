//! `POST /v1/me/password`.

use e2e::client::{assert_alive, assert_dead};
use e2e::{Database, Person, Server, Transport, flows};
use serde_json::json;

use crate::registration::fields;
use crate::shape;

const NEW: &str = "orchard-Comet-7-window";

flows!(
    a_change_ends_every_session_and_begins_a_fresh_one,
    a_refused_change_changes_nothing
);

/// S96: all sessions end, this one too; a pair of a new session comes back by the
/// same transport.
fn a_change_ends_every_session_and_begins_a_fresh_one(database: Database) {
    let server = Server::on(database);
    for transport in Transport::BOTH {
        let ada = Person::registered(&server, &format!("ada-{transport:?}"));
        let others = Transport::BOTH.map(|transport| ada.log_in_by(&server, transport));
        let mut client = ada.log_in_by(&server, transport);
        let old = (client.access(), client.refresh_token(), client.session());

        let body = json!({ "current_password": ada.password, "new_password": NEW });
        let reply = client.post_json("/v1/me/password", body).expect(200);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        match transport {
            Transport::Body => {
                assert!(reply.set_cookies().is_empty());
                insta::assert_json_snapshot!(reply.json(), {
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
            Transport::Cookie => {
                assert_eq!(reply.set_cookies().len(), 2);
                assert_eq!(reply.json().get("access_token"), None);
                assert_eq!(reply.json().get("refresh_token"), None);
            }
        }
        assert_ne!(client.session(), old.2);
        assert_alive(client.as_mut());

        server
            .call("GET", "/v1/me")
            .bearer(&old.0)
            .send()
            .problem(401, "session_revoked");
        client.present(&old.1).problem(401, "session_revoked");
        for other in &others {
            assert_dead(other.as_ref());
            let reason = server.store().session(&other.session(), "end_reason");
            assert_eq!(reason, "password_changed");
        }
        assert!(!ada.can_log_in(&server.anonymous()));
        assert!(ada.with_password(NEW).can_log_in(&server.anonymous()));
    }
}

/// S96: the current password is asked for, and the new one is judged.
fn a_refused_change_changes_nothing(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(&server, transport);
        let body = json!({ "current_password": "wrong password 1", "new_password": NEW });
        client
            .post_json("/v1/me/password", body)
            .problem(403, "password_incorrect");
        let body = json!({ "current_password": ada.password, "new_password": "password1" });
        let weak = client
            .post_json("/v1/me/password", body)
            .expect(422)
            .any_problem();
        assert_eq!(fields(&weak), ["new_password"]);
        let body = json!({ "new_password": NEW });
        client
            .post_json("/v1/me/password", body)
            .expect(422)
            .any_problem();
        assert_alive(client.as_mut());
    }
    let body = json!({ "current_password": ada.password, "new_password": NEW });
    let reply = server.anonymous().post("/v1/me/password", body);
    reply.problem(401, "access_token_missing");
    assert!(ada.can_log_in(&server.anonymous()));
}
