//! `/v1/me`: what a user sees and changes of the account, and its end.

use e2e::client::assert_dead;
use e2e::{Ctl, Database, Person, Server, Setup, Transport, clock, flows};
use serde_json::json;

use crate::shape;

flows!(
    a_user_sees_the_account,
    a_user_renames_the_account,
    deletion_ends_everything,
    disabling_ends_everything,
);

/// S124: by header and by cookie.
fn a_user_sees_the_account(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        let reply = ada.log_in_by(&server, transport).get("/v1/me").expect(200);
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        insta::assert_json_snapshot!(reply.json(), {
            ".user.id" => shape::id(),
            ".user.created_at" => shape::time(),
        }, @r#"
        {
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
    }
}

/// S92: names change one at a time or together, and not into taken ones.
fn a_user_renames_the_account(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    Person::registered(&server, "bob");
    let mut client = ada.log_in_by(&server, Transport::Body);
    let patch = |body| client.call("PATCH", "/v1/me").json(body).send();

    let user = patch(json!({ "full_name": "Ada King" })).expect(200).json();
    assert_eq!(user["user"]["full_name"], "Ada King");
    assert_eq!(user["user"]["username"], "ada");
    let user = patch(json!({ "username": "lovelace" })).expect(200).json();
    assert_eq!(user["user"]["username"], "lovelace");
    patch(json!({ "username": "BOB" })).problem(409, "username_taken");
    patch(json!({ "username": "a@b" }))
        .expect(422)
        .any_problem();
    patch(json!({ "email": "new@example.com" }))
        .expect(422)
        .any_problem();
    patch(json!({ "roles": ["admin"] }))
        .expect(422)
        .any_problem();

    // The next access token says the new name.
    client.refresh().expect(200);
    assert_eq!(e2e::jwt::claims(&client.access())["username"], "lovelace");
    let me = client.get("/v1/me").expect(200).json();
    assert_eq!(me["user"]["email"], "ada@example.com");
    assert!(
        Person {
            username: "Lovelace".into(),
            ..ada
        }
        .can_log_in(&server.anonymous())
    );
}

/// S57 S93: all sessions end with the account, and its name rests for an access
/// lifetime, so that an old token never speaks for somebody new.
fn deletion_ends_everything(database: Database) {
    let server = Setup::new(database)
        .set("ACCESS_TOKEN_EXPIRY", "4s")
        .start();
    for transport in Transport::BOTH {
        let gone = Person::registered(&server, &format!("gone-{transport:?}"));
        let (one, other) = (gone.log_in_by(&server, transport), gone.log_in(&server));
        let delete = |password: &str| {
            one.call("DELETE", "/v1/me")
                .json(json!({ "password": password }))
                .send()
        };
        delete("wrong password 1").problem(403, "password_incorrect");
        one.get("/v1/me").expect(200);

        delete(&gone.password).expect(204);
        assert_dead(one.as_ref());
        assert_dead(&other);
        let login = server.anonymous().post("/v1/login", gone.credentials());
        login.problem(401, "invalid_credentials");

        let mut again = gone.clone();
        again.email = format!("again-{transport:?}@example.com");
        server
            .anonymous()
            .register(&again)
            .problem(409, "username_taken");
        clock::eventually("the freed name", || {
            (server.anonymous().register(&again).status == 201).then_some(())
        });
        // By now the old tokens have expired as well: they are nobody's.
        one.get("/v1/me").problem(401, "access_token_expired");
        one.present(&one.refresh_token()).expect(401).any_problem();
    }
}

/// S57 S69: what an administrator disables is out at once, in the server that
/// runs beside, and comes back only by a new login.
fn disabling_ends_everything(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let ctl = Ctl::of(&server);
    for transport in Transport::BOTH {
        let client = ada.log_in_by(&server, transport);
        client.get("/v1/verify").expect(204);
        ctl.done(&["user", "disable", "ada"]);
        clock::within(e2e::server::SEEN_WITHIN, "the end of the session", || {
            (client.get("/v1/verify").status == 401).then_some(())
        });
        assert_dead(client.as_ref());
        assert_eq!(
            server.store().session(&client.session(), "end_reason"),
            "user_disabled"
        );
        assert!(!ada.can_log_in(&server.anonymous()));

        ctl.done(&["user", "enable", "ada"]);
        assert_dead(client.as_ref());
        assert!(ada.can_log_in(&server.anonymous()));
    }
}
