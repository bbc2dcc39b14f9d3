//! Registered clients: made, listed, deleted, and logging users in.

use e2e::client::registered::basic;
use e2e::server::SEEN_WITHIN;
use e2e::{Ctl, Database, Person, Persona, Registered, Server, Setup, clock, flows, jwt};
use serde_json::json;

flows!(
    a_client_is_made_listed_and_deleted,
    a_deleted_client_is_gone_with_its_tokens,
    a_login_through_a_client_is_the_clients,
    a_changed_password_keeps_the_session_with_its_client,
    at_rest_there_is_no_secret,
);

mod nodes {
    use super::*;

    flows!(postgres: the_other_node_knows_of_the_end_of_a_client);

    /// S69: machine tokens and users' sessions are dead on both nodes.
    fn the_other_node_knows_of_the_end_of_a_client(database: Database) {
        let setup = Setup::new(database);
        let beside = setup.beside();
        let (a, b) = (setup.start(), beside.start());
        let ada = Person::registered(&a, "ada");
        let backend = Registered::new(&a, &["x"]);
        let (machine, user) = (backend.token(), backend.at(&b).log_in(&ada));
        for node in [&a, &b] {
            for token in [&machine, &user.access()] {
                let verify = node.call("GET", "/v1/verify").bearer(token);
                verify.send().expect(204);
            }
            assert_eq!(backend.at(node).introspect(&machine)["active"], true);
        }
        Ctl::of(&a).done(&["client", "delete", &backend.id]);
        for node in [&a, &b] {
            for token in [&machine, &user.access()] {
                clock::within(SEEN_WITHIN, "the end of the client", || {
                    let verify = node.call("GET", "/v1/verify").bearer(token);
                    (verify.send().status == 401).then_some(())
                });
            }
            let here = backend.at(node);
            let refused = here.refresh(&user.refresh_token());
            refused.oauth_error(401, "invalid_client");
        }
    }
}

/// The secret is told once, and nowhere again.
fn a_client_is_made_listed_and_deleted(database: Database) {
    let server = Server::on(database);
    let ctl = Ctl::of(&server);
    assert_eq!(ctl.json(&["client", "list"]), json!([]));
    let args = ["client", "create", "--name", "Billing", "--scope"];
    let made = ctl.json(&[&args[..], &["write", "--scope", "read"]].concat());
    let id = made["client_id"].as_str().expect("an id").to_owned();
    let secret = made["client_secret"].as_str().expect("a secret").to_owned();
    assert!(id.starts_with("client-") && id.len() == 39, "{id}");
    assert_eq!(secret.len(), 43);
    let listed = ctl.json(&["client", "list"]);
    assert_eq!(
        listed,
        json!([{
            "client_id": id,
            "name": "Billing",
            "scopes": ["read", "write"],
            "created_at": made["created_at"],
        }])
    );
    let table = ctl.run(&["--output", "table", "client", "list"]);
    assert!(table.stdout.contains("Billing") && !table.stdout.contains(&secret));

    let without = ctl.run(&["client", "delete", &id]);
    assert!(without.code == Some(2) && without.stderr.contains("--yes"));
    let deleted = ctl.json(&["client", "delete", &id]);
    assert_eq!(deleted, json!({ "client_id": id, "ended": 1 }));
    for gone in [id.as_str(), "renewd", "x", "client-\u{1b}[2J"] {
        let finished = ctl.run(&["--yes", "client", "delete", gone]);
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(!finished.stderr.contains('\u{1b}'), "{finished:?}");
    }
    for bad in [
        vec!["--name", ""],
        vec!["--name", "a\nb"],
        vec!["--name", "a", "--scope", "b\"c"],
        vec!["--name", "a", "--scope", "b  c"],
    ] {
        let finished = ctl.run(&[&["client", "create"], bad.as_slice()].concat());
        assert_eq!(finished.code, Some(1), "{finished:?}");
    }
    assert_eq!(ctl.json(&["client", "list"]), json!([]));
}

/// Nothing of it works any more, at once where the database is asked, and within the
/// feed's time where it is not.
fn a_deleted_client_is_gone_with_its_tokens(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let (gone, stays) = (Registered::new(&server, &[]), Registered::new(&server, &[]));
    let mut own = ada.log_in(&server);
    let (user, machine) = (gone.log_in(&ada), gone.token());
    let other = stays.log_in(&ada);
    let deleted = Ctl::of(&server).json(&["client", "delete", &gone.id]);
    assert_eq!(deleted["ended"], 2);
    for token in [user.access(), user.refresh_token(), machine.clone()] {
        assert_eq!(stays.introspect(&token)["active"], false);
    }
    user.get("/v1/me").problem(401, "session_revoked");
    clock::within(SEEN_WITHIN, "the end of the client", || {
        let verify = server.call("GET", "/v1/verify").bearer(&machine);
        (verify.send().status == 401).then_some(())
    });
    let itself = [("grant_type", "client_credentials")];
    let refused = gone.post("/oauth2/token", &itself);
    refused.oauth_error(401, "invalid_client");
    let refused = gone.try_log_in(&ada, &json!({}));
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (401, "invalid_client")
    );
    e2e::client::assert_alive(&mut own);
    stays.refresh(&other.refresh_token()).expect(200);
}

/// S62: with a secret, in bodies, and by the password all the same.
fn a_login_through_a_client_is_the_clients(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let backend = Registered::new(&server, &["read"]);
    let user = backend.log_in(&ada);
    let claims = jwt::claims(&user.refresh_token());
    assert_eq!(claims["client_id"], backend.id.as_str());
    let row = server.store().session(&user.session(), "client_id");
    assert_eq!(row, backend.id);

    let wrong = ada.clone().with_password("not the password 1");
    let refused = backend.try_log_in(&wrong, &json!({}));
    refused.problem(401, "invalid_credentials");
    let cookies = backend.try_log_in(&ada, &json!({ "transport": "cookie" }));
    let cookies = cookies.problem(422, "validation_failed");
    assert!(cookies.set_cookies().is_empty());
    for header in [
        basic(&backend.id, "wrong"),
        basic("renewd", ""),
        basic("nobody", "x"),
        "Basic".to_owned() + " !",
    ] {
        let call = server.call("POST", "/v1/login").json(ada.credentials());
        let reply = call.header("authorization", header).send();
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (401, "invalid_client")
        );
        let challenge = reply.header("www-authenticate").unwrap_or_default();
        assert!(challenge.starts_with("Basic "), "{challenge}");
    }
    // Whoever is logged in already is not thereby a client.
    let again = server.call("POST", "/v1/login").bearer(&user.access());
    let again = again.json(ada.credentials()).send().expect(200);
    let claims = jwt::claims(&again.string("access_token"));
    assert_eq!(
        (&claims["client_id"], &claims["scope"]),
        (&json!("renewd"), &json!(null))
    );
}

/// S62: the fresh session is no way around the client's secret.
fn a_changed_password_keeps_the_session_with_its_client(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let backend = Registered::new(&server, &["read"]);
    let mut user = backend.log_in(&ada);
    let body = json!({
        "current_password": ada.password,
        "new_password": "another-Quartz-7-lamp",
    });
    user.post_json("/v1/me/password", body).expect(200);
    let claims = jwt::claims(&user.access());
    assert_eq!(claims["client_id"], backend.id.as_str());
    assert_eq!(claims["scope"], "read");
    user.refresh().problem(401, "refresh_token_invalid");
    backend.refresh(&user.refresh_token()).expect(200);
}

/// S43: a digest, of which no table and no file has the secret.
fn at_rest_there_is_no_secret(database: Database) {
    let server = Server::on(database);
    let client = Registered::new(&server, &[]);
    client.token();
    let hex = server.store().hex("secret_digest");
    let stored = server.store().texts(&hex, "FROM clients");
    let digest = jwt::sha256_hex(client.secret.as_bytes());
    assert_eq!(stored.len(), 1);
    assert!(stored[0].eq_ignore_ascii_case(&digest));
    let file = server.store().file_bytes();
    let secret = client.secret.as_bytes();
    assert!(!file.windows(secret.len()).any(|window| window == secret));
}
