//! The metadata document.

use e2e::{Registered, Server, Setup};
use serde_json::{Value, json};

use crate::hs256;

const PATH: &str = "/.well-known/oauth-authorization-server";

fn metadata(server: &Server) -> Value {
    server.call("GET", PATH).send().expect(200).json()
}

/// S38: every member true, none empty, all from the issuer.
#[test]
fn the_document_is_whole_and_true() {
    let server = Server::sqlite();
    let document = metadata(&server);
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).expect("JSON"), @r#"
    {
      "grant_types_supported": [
        "refresh_token",
        "client_credentials"
      ],
      "introspection_endpoint": "http://localhost:8080/oauth2/introspect",
      "introspection_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post"
      ],
      "introspection_signing_alg_values_supported": [
        "ES256"
      ],
      "issuer": "http://localhost:8080",
      "jwks_uri": "http://localhost:8080/.well-known/jwks.json",
      "revocation_endpoint": "http://localhost:8080/oauth2/revoke",
      "revocation_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "none"
      ],
      "token_endpoint": "http://localhost:8080/oauth2/token",
      "token_endpoint_auth_methods_supported": [
        "client_secret_basic",
        "client_secret_post",
        "none"
      ]
    }
    "#);
    // Every endpoint that it names is there, and takes what it says.
    let client = Registered::new(&server, &[]);
    for (member, parameters) in [
        ("token_endpoint", ("grant_type", "client_credentials")),
        ("revocation_endpoint", ("token", "x")),
        ("introspection_endpoint", ("token", "x")),
    ] {
        let url = document[member].as_str().expect("a URL");
        let path = url.strip_prefix("http://localhost:8080").expect("its own");
        client.post(path, &[parameters]).expect(200);
    }
    let shared = Setup::sqlite()
        .set("ACCESS_TOKEN_SECRET", hs256::SECRET)
        .start();
    let document = metadata(&shared);
    assert_eq!(
        document.get("introspection_signing_alg_values_supported"),
        None
    );
}

/// S38: nobody is told of what is not there: no pages to log in at, no id tokens.
#[test]
fn there_is_no_openid_configuration() {
    let server = Server::sqlite();
    let missing = server.call("GET", "/.well-known/openid-configuration");
    missing.send().problem(404, "not_found");
}

/// S36: as cacheable and as public as the keys are.
#[test]
fn the_document_is_cacheable_and_for_every_page() {
    let server = Server::sqlite();
    let get = || server.call("GET", PATH);
    let reply = get().header("origin", "https://any.example").send();
    let reply = reply.expect(200);
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    assert!(reply.set_cookies().is_empty());
    let tag = reply.header("etag").expect("an ETag").to_owned();
    let again = get().header("if-none-match", tag.as_str()).send();
    let again = again.expect(304);
    assert!(again.bytes.is_empty());
    assert_eq!(again.header("etag"), Some(tag.as_str()));
    get().header("if-none-match", "\"x\"").send().expect(200);
    let head = server.call("HEAD", PATH).send().expect(200);
    assert!(head.bytes.is_empty());
    assert_eq!(head.header("etag"), Some(tag.as_str()));
    let length = reply.bytes.len().to_string();
    assert_eq!(head.header("content-length"), Some(length.as_str()));
}

/// S39: nothing that a request says of hosts changes a letter.
#[test]
fn the_issuer_is_the_configured_one() {
    let server = Server::sqlite();
    let plain = server.call("GET", PATH).send().expect(200).text();
    for (name, value) in [
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-prefix", "/evil"),
        ("forwarded", "host=evil.example;proto=https"),
        ("x-original-url", "/evil"),
    ] {
        let reply = server.call("GET", PATH).header(name, value).send();
        assert_eq!(reply.expect(200).text(), plain, "{name}");
    }
}

/// RFC 8414 §3.1: the well-known part goes between the host and the issuer's path.
#[test]
fn an_issuer_may_have_a_path() {
    let issuer = "https://example.com/auth/eu";
    let server = Setup::sqlite().set("RENEWD_ISSUER", issuer).start();
    for path in [PATH.to_owned(), format!("{PATH}/auth/eu")] {
        let document = server.call("GET", &path).send().expect(200).json();
        assert_eq!(document["issuer"], issuer);
        assert_eq!(
            document["token_endpoint"],
            json!(format!("{issuer}/oauth2/token"))
        );
        server.call("HEAD", &path).send().expect(200);
    }
    for other in [
        "/",
        "/auth",
        "/auth/eu/",
        "/auth/eu/x",
        "/auth%2Feu",
        "/AUTH/eu",
        "//auth/eu",
    ] {
        let missing = server.call("GET", &format!("{PATH}{other}")).send();
        missing.problem(404, "not_found");
    }
    let without = Server::sqlite();
    let missing = without.call("GET", &format!("{PATH}/auth/eu")).send();
    missing.problem(404, "not_found");
}
