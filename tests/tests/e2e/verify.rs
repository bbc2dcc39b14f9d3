//! `GET /v1/verify`, for reverse proxies.

use e2e::{Ctl, Database, Person, Persona, Reply, Server, Transport, flows, jwt};

flows!(a_proxy_learns_who_it_is, without_a_good_token_it_is_401);

/// Names in headers are percent-encoded UTF-8.
fn a_proxy_learns_who_it_is(database: Database) {
    let server = Server::on(database);
    let zoe = Person {
        email: "zoe+x@example.com".into(),
        ..Person::named("Zoë-用户")
    };
    server.anonymous().register(&zoe).expect(201);
    for transport in Transport::BOTH {
        let client = zoe.log_in_by(&server, transport);
        let reply = client.get("/v1/verify").expect(204);
        let claims = jwt::claims(&client.access());
        assert_eq!(reply.header("x-auth-user"), claims["sub"].as_str());
        assert_eq!(reply.header("x-auth-session"), claims["sid"].as_str());
        assert_eq!(decoded(&reply, "x-auth-username"), "Zoë-用户");
        assert_eq!(decoded(&reply, "x-auth-email"), "zoe+x@example.com");
        assert_eq!(decoded(&reply, "x-auth-roles"), "");
        assert!(reply.bytes.is_empty());
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
}

fn decoded(reply: &Reply, name: &str) -> String {
    let text = reply
        .header(name)
        .unwrap_or_else(|| panic!("{name} in {:?}", reply.headers));
    assert!(text.is_ascii());
    percent_encoding::percent_decode_str(text)
        .decode_utf8()
        .expect("UTF-8")
        .into_owned()
}

/// Roles, where there are some.
#[test]
fn a_proxy_learns_the_roles() {
    let server = Server::sqlite();
    let ctl = Ctl::of(&server);
    let made = ctl.run_with(
        &[
            "user",
            "create",
            "root",
            "--email",
            "root@example.com",
            "--full-name",
            "Root",
            "--role",
            "admin",
            "--password-stdin",
        ],
        &format!("{}\n", e2e::person::PASSWORD),
    );
    assert_eq!(made.code, Some(0), "{made:?}");
    let root = Person::named("root").log_in(&server);
    assert_eq!(
        decoded(&root.get("/v1/verify").expect(204), "x-auth-roles"),
        "admin"
    );
    assert_eq!(
        jwt::claims(&root.access())["roles"],
        serde_json::json!(["admin"])
    );
}

/// S122: no error attribute where nothing was sent.
fn without_a_good_token_it_is_401(database: Database) {
    let server = Server::on(database);
    for path in ["/v1/verify", "/v1/me", "/v1/me/sessions"] {
        let missing = server
            .call("GET", path)
            .send()
            .problem(401, "access_token_missing");
        let challenge = missing.header("www-authenticate").expect("a challenge");
        assert!(!challenge.contains("error"), "{challenge}");
        let bad = server.call("GET", path).bearer("x.y.z").send();
        let bad = bad.problem(401, "access_token_invalid");
        let challenge = bad.header("www-authenticate").expect("a challenge");
        assert!(
            challenge.contains(r#"error="invalid_token""#),
            "{challenge}"
        );
        for name in ["x-auth-user", "x-auth-session", "x-auth-username"] {
            assert_eq!(bad.header(name), None);
        }
    }
    // Another scheme is no bearer token.
    let basic = server
        .call("GET", "/v1/me")
        .header("authorization", "Basic YTpi")
        .send();
    assert_eq!(basic.any_problem().status, 401);
    // The name of the scheme is read without regard to case.
    let client = Person::registered(&server, "ada").log_in(&server);
    let lower = format!("bearer {}", client.access());
    server
        .call("GET", "/v1/me")
        .header("authorization", lower)
        .send()
        .expect(200);
}
