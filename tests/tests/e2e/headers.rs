//! Headers of answers, and headers of requests that must not count.

use std::collections::HashSet;
use std::time::Duration;

use e2e::server::ISSUER;
use e2e::{Person, Persona, Server, jwt, raw};
use serde_json::json;

/// S125: on every answer, good or bad.
#[test]
fn every_answer_is_locked_down() {
    let server = Server::sqlite();
    let client = Person::registered(&server, "ada").log_in(&server);
    for reply in [
        client.get("/v1/me"),
        client.get("/v1/verify"),
        server.call("GET", "/v1/me").send(),
        server.call("GET", "/nothing").send(),
        server.call("PUT", "/v1/me").send(),
        server
            .call("POST", "/v1/login")
            .body("text/plain", "x")
            .send(),
        server.anonymous().post("/v1/login", json!({})),
        server.call("GET", "/healthz").send(),
        server.call("GET", "/readyz").send(),
        server.call("GET", "/.well-known/jwks.json").send(),
    ] {
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{reply:?}"
        );
        assert_eq!(
            reply.header("referrer-policy"),
            Some("no-referrer"),
            "{reply:?}"
        );
        let policy = reply.header("content-security-policy").expect("a policy");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        for name in ["server", "x-powered-by"] {
            assert_eq!(reply.header(name), None, "{reply:?}");
        }
    }
}

/// S123: each answer has an id of its own, which the log has too.
#[test]
fn every_answer_carries_an_id() {
    let server = Server::sqlite();
    let mut ids = HashSet::new();
    for path in ["/healthz", "/v1/me", "/nothing", "/v1/login"] {
        let reply = server.call("GET", path).send();
        let id = reply
            .header("x-request-id")
            .expect("x-request-id")
            .to_owned();
        assert!(ids.insert(id.clone()), "{id} twice");
        if path == "/v1/me" {
            e2e::clock::eventually("the id in the log", || {
                server.log().contains(&id).then_some(())
            });
        }
    }
    // A client's own text cannot write lines into the log.
    let call = server
        .call("GET", "/v1/me")
        .header("x-request-id", "x\t{\"level\":\"forged\"}");
    let reply = call.send();
    assert!(
        !server.log().contains("\n{\"level\":\"forged\""),
        "{reply:?}"
    );
}

/// S124: no-store wherever a token or a user is in the answer, errors included.
#[test]
fn answers_with_credentials_are_not_stored() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let mut client = ada.log_in(&server);
    for reply in [
        client.refresh(),
        client.get("/v1/me"),
        client.get("/v1/me/sessions"),
        client
            .call("PATCH", "/v1/me")
            .json(json!({ "full_name": "Ada" }))
            .send(),
        server.anonymous().register(&ada).expect(409),
        server
            .anonymous()
            .post("/v1/login", json!({ "username": "ada", "password": "x" })),
        server.anonymous().present("junk"),
        server.call("GET", "/v1/me").send(),
        server.call("GET", "/v1/verify").send(),
        client.log_out(),
    ] {
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{reply:?}");
    }
}

/// S39: the issuer and every link are configured, never taken from a request.
#[test]
fn the_host_of_a_request_changes_nothing() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let evil = "Forwarded: host=evil.example;proto=https\r\nX-Forwarded-Host: evil.example\r\n\
                X-Forwarded-Proto: https\r\nConnection: close\r\n";
    let login = raw::post("/v1/login", evil, &ada.credentials().to_string())
        .replace("Host: localhost", "Host: evil.example");
    let reply = raw::exchange(server.connect(), login.as_bytes(), Duration::from_secs(20));
    assert_eq!(reply.status(), 200, "{}", reply.text);
    assert!(!reply.text.contains("evil"), "{}", reply.text);
    let (_, body) = reply.text.split_once("\r\n\r\n").expect("a body");
    let start = body.find('{').expect("JSON");
    let end = body.rfind('}').expect("JSON");
    let pair: serde_json::Value = serde_json::from_str(&body[start..=end]).expect("a pair");
    for token in ["access_token", "refresh_token"] {
        let claims = jwt::claims(pair[token].as_str().expect("a token"));
        assert_eq!(claims["iss"], ISSUER);
    }
    for path in [
        "/.well-known/jwks.json",
        "/.well-known/oauth-authorization-server",
        "/nothing",
    ] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\n{evil}\r\n");
        let reply = raw::exchange(
            server.connect(),
            request.as_bytes(),
            Duration::from_secs(20),
        );
        assert!(!reply.text.contains("evil"), "{}", reply.text);
    }
}

/// S91: without configured proxies the forwarded address is not believed.
#[test]
fn a_forwarded_address_is_not_believed() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let call = server.call("POST", "/v1/login").json(ada.credentials());
    let call = call
        .header("x-forwarded-for", "203.0.113.7")
        .header("forwarded", "for=203.0.113.7");
    let pair = call.send().expect(200).json();
    let client = e2e::BodyClient::with_pair(&server.anonymous(), pair);
    assert_eq!(e2e::client::sessions(&client)[0]["ip"], "127.0.0.1");
}
