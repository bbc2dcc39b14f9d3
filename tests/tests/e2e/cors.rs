//! Which pages may read answers.

use e2e::server::ISSUER;
use e2e::{Person, Persona, Reply, Server, Setup};

const APP: &str = "https://app.example.com";

fn setup() -> Server {
    Setup::sqlite()
        .set(
            "RENEWD_ALLOWED_ORIGINS",
            &format!("{APP},https://b.example.com:8443"),
        )
        .start()
}

fn preflight(server: &Server, path: &str, origin: &str, method: &str) -> Reply {
    server
        .call("OPTIONS", path)
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header(
            "access-control-request-headers",
            "content-type,authorization",
        )
        .send()
}

/// S120: an allowed page may send what the routes take, with cookies.
#[test]
fn an_allowed_origin_may() {
    let server = setup();
    for origin in [APP, "https://b.example.com:8443"] {
        for (path, method) in [
            ("/v1/login", "POST"),
            ("/v1/me", "PATCH"),
            ("/v1/me", "DELETE"),
            ("/v1/refresh", "POST"),
        ] {
            let reply = preflight(&server, path, origin, method);
            assert!(
                [200, 204].contains(&reply.status),
                "{path}: {}",
                reply.status
            );
            assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
            assert_eq!(
                reply.header("access-control-allow-credentials"),
                Some("true")
            );
            let methods = reply
                .header("access-control-allow-methods")
                .expect("methods");
            assert!(methods.contains(method), "{methods}");
            let headers = reply
                .header("access-control-allow-headers")
                .expect("headers");
            let headers = headers.to_lowercase();
            assert!(headers.contains("content-type"), "{headers}");
            assert!(headers.contains("authorization"), "{headers}");
            assert_varies(&reply);
        }
        let call = server.call("GET", "/v1/me").header("origin", origin);
        let reply = call.send().problem(401, "access_token_missing");
        assert_eq!(reply.header("access-control-allow-origin"), Some(origin));
        assert_varies(&reply);
    }
}

fn assert_varies(reply: &Reply) {
    let varies = reply.headers.get_all("vary").iter().any(|value| {
        value
            .to_str()
            .is_ok_and(|text| text.to_lowercase().contains("origin"))
    });
    assert!(varies, "Vary: Origin in {:?}", reply.headers);
}

/// S120: no trick with a name makes another origin an allowed one.
#[test]
fn no_other_origin_may() {
    let server = setup();
    let client = Person::registered(&server, "ada").log_in(&server);
    for origin in [
        "null",
        "https://evil.example",
        "https://app.example.com.evil.example",
        "https://evilapp.example.com",
        "https://app.example.com:444",
        "http://app.example.com",
        "https://APP.example.com",
        "https://app.example.com/",
        "https://app.example.com@evil.example",
        "*",
        "",
    ] {
        let asked = preflight(&server, "/v1/login", origin, "POST");
        assert_eq!(
            asked.header("access-control-allow-origin"),
            None,
            "{origin}"
        );
        let call = client.call("GET", "/v1/me").header("origin", origin).send();
        assert_eq!(call.header("access-control-allow-origin"), None, "{origin}");
        assert_eq!(
            call.header("access-control-allow-credentials"),
            None,
            "{origin}"
        );
        assert_varies(&call);
    }
}

/// The issuer's own origin is the list by default.
#[test]
fn the_issuers_origin_is_the_default() {
    let server = Server::sqlite();
    let own = preflight(&server, "/v1/login", ISSUER, "POST");
    assert_eq!(own.header("access-control-allow-origin"), Some(ISSUER));
    let other = preflight(&server, "/v1/login", APP, "POST");
    assert_eq!(other.header("access-control-allow-origin"), None);
}

/// S36: the published keys are for every page, without credentials.
#[test]
fn anybody_may_read_the_keys() {
    let server = Server::sqlite();
    let call = server
        .call("GET", "/.well-known/jwks.json")
        .header("origin", APP);
    let reply = call.send().expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
}
