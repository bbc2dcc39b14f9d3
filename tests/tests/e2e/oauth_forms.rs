//! Hostile forms and headers at the endpoints of OAuth.

use std::time::Duration;

use e2e::client::registered::{basic, form, form_to};
use e2e::{Registered, Server, Setup, raw};

const ENDPOINTS: [&str; 3] = ["/oauth2/token", "/oauth2/revoke", "/oauth2/introspect"];

/// The parameters that are enough for each endpoint.
fn enough(path: &str) -> [(&'static str, &'static str); 1] {
    match path {
        "/oauth2/token" => [("grant_type", "client_credentials")],
        _ => [("token", "x")],
    }
}

/// Those and more.
fn with<'a>(path: &str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [enough(path).as_slice(), more].concat()
}

/// RFC 6749 §3.2: each parameter once, however it is spelled.
#[test]
fn a_repeated_parameter_is_an_invalid_request() {
    let server = Server::sqlite();
    let client = Registered::new(&server, &[]);
    for path in ENDPOINTS {
        let once = form(&enough(path));
        let spelled = once
            .replacen(['g', 't'], "%67", 1)
            .replacen("%67oken", "%74oken", 1);
        for body in [
            format!("{once}&{once}"),
            format!("{once}&{spelled}"),
            format!("{once}&scope=a&scope=a"),
            format!("{once}&x=&x="),
        ] {
            let call = server
                .call("POST", path)
                .header("authorization", client.basic())
                .body("application/x-www-form-urlencoded", body);
            call.send().oauth_error(400, "invalid_request");
        }
        let extra = [enough(path).as_slice(), &[("unknown", "1"), ("empty", "")]].concat();
        client.post(path, &extra).expect(200);
    }
}

/// Forms and nothing else, of a size, of text.
#[test]
fn a_body_must_be_a_form() {
    let server = Server::sqlite();
    let client = Registered::new(&server, &[]);
    for path in ENDPOINTS {
        let send = |kind: &str, body: Vec<u8>| {
            let call = server.call("POST", path).body(kind, body);
            call.header("authorization", client.basic()).send()
        };
        let good = form(&enough(path)).into_bytes();
        let kind = "application/x-www-form-urlencoded";
        send(&format!("{kind}; charset=UTF-8"), good.clone()).expect(200);
        for kind in ["application/json", "text/plain", "multipart/form-data"] {
            send(kind, good.clone()).oauth_error(400, "invalid_request");
        }
        for junk in [
            &b"token=\xff"[..],
            b"%ff=1",
            b"grant_type=%c3%28",
            b"",
            b"&&&",
        ] {
            send(kind, junk.to_vec()).oauth_error(400, "invalid_request");
        }
        let huge = [good.clone(), b"&x=".to_vec(), vec![b'a'; 70_000]].concat();
        send(kind, huge).oauth_error(413, "invalid_request");
        let untyped = server.call("POST", path).untyped_body(good.clone());
        let untyped = untyped.header("authorization", client.basic());
        untyped.send().oauth_error(400, "invalid_request");
        server
            .call("GET", path)
            .send()
            .problem(405, "method_not_allowed");
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// One way to say who is calling, and no other.
#[test]
fn a_client_authenticates_in_one_way() {
    let server = Server::sqlite();
    let client = Registered::new(&server, &[]);
    let other = Registered::new(&server, &[]);
    for path in ENDPOINTS {
        let with = |more: &[_]| with(path, more);
        let id = ("client_id", client.id.as_str());
        let secret = ("client_secret", client.secret.as_str());
        client.post(path, &with(&[id])).expect(200);
        let posted = form_to(&server.anonymous(), path, &with(&[id, secret]));
        posted.send().expect(200);

        let both = client.post(path, &with(&[id, secret]));
        both.oauth_error(400, "invalid_request");
        let two = client.post(path, &with(&[("client_id", &other.id)]));
        two.oauth_error(400, "invalid_request");
        let twice = client.call(path, &with(&[]));
        let twice = twice.header("authorization", client.basic());
        twice.send().oauth_error(400, "invalid_request");
        for header in [
            basic(&client.id, &other.secret),
            basic(&client.id, ""),
            basic("renewd", ""),
            basic("client-0", &client.secret),
            basic(&client.id.to_uppercase(), &client.secret),
            basic("a\0b", "c"),
            "Basic".to_owned(),
            "Basic !!!".to_owned(),
            "Basic YQ==".to_owned(),
            format!("Bearer {}", client.secret),
        ] {
            let call = form_to(&server.anonymous(), path, &with(&[]));
            let refused = call.header("authorization", header).send();
            refused.oauth_error(401, "invalid_client");
        }
        for wrong in [
            vec![],
            vec![secret],
            vec![("client_id", "\0")],
            vec![("client_id", "client-' OR 1=1 --"), secret],
            vec![id, ("client_secret", &other.secret)],
        ] {
            let refused = form_to(&server.anonymous(), path, &with(&wrong)).send();
            refused.oauth_error(401, "invalid_client");
        }
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// The credentials are form-encoded before they are Basic (RFC 6749 §2.3.1).
#[test]
fn basic_credentials_are_form_encoded() {
    let server = Server::sqlite();
    let client = Registered::new(&server, &[]);
    let id = client.id.replacen('-', "%2D", 1);
    let first = client.secret.as_bytes()[0];
    let secret = format!("%{first:02x}{}", &client.secret[1..]);
    let call = form_to(
        &server.anonymous(),
        "/oauth2/token",
        &enough("/oauth2/token"),
    );
    call.header("authorization", basic(&id, &secret))
        .send()
        .expect(200);
}

/// Neither secrets nor tokens get into the log, whatever is wrong with them.
#[test]
fn nothing_secret_is_logged() {
    let server = Setup::sqlite().set("RENEWD_LOG", "debug").start();
    let client = Registered::new(&server, &[]);
    let token = client.token();
    client.introspect(&token);
    client.revoke(&token).expect(200);
    let wrong = form_to(
        &server.anonymous(),
        "/oauth2/token",
        &enough("/oauth2/token"),
    );
    let guess = "guessed-secret-guessed-secret";
    let wrong = wrong.header("authorization", basic(&client.id, guess));
    wrong.send().oauth_error(401, "invalid_client");
    let log = server.log();
    for secret in [&client.secret, guess, jwt_signature(&token)] {
        assert!(!log.contains(secret), "{log}");
    }
}

fn jwt_signature(token: &str) -> &str {
    e2e::jwt::signature(token)
}

/// Guesses at secrets run dry, alike for clients that there are and others;
/// the client itself never notices.
#[test]
fn guessing_secrets_is_throttled() {
    let server = Setup::sqlite().set("RENEWD_THROTTLE", "on").start();
    let client = Registered::new(&server, &[]);
    // As many right ones as one likes.
    for _ in 0..300 {
        client.token();
    }
    let guess = |id: &str| {
        let call = form_to(
            &server.anonymous(),
            "/oauth2/token",
            &enough("/oauth2/token"),
        );
        call.header("authorization", basic(id, "wrong")).send()
    };
    let ids = [
        client.id.as_str(),
        "client-00000000000000000000000000000000",
    ];
    for (n, id) in ids.iter().cycle().enumerate().take(100) {
        assert_eq!(guess(id).status, 401, "{n}");
    }
    for id in ids {
        let throttled = (0..10).map(|_| guess(id)).find(|reply| reply.status != 401);
        let throttled = throttled.expect("a throttled guess");
        assert!(throttled.header("retry-after").is_some());
        throttled.oauth_error(429, "temporarily_unavailable");
        client.token();
    }
}

/// The body is read whole before anybody is believed, and broken framing is
/// answered once.
#[test]
fn a_broken_body_is_one_answer() {
    let server = Server::sqlite();
    let request = "POST /oauth2/token HTTP/1.1\r\nHost: localhost\r\n\
        Content-Type: application/x-www-form-urlencoded\r\n\
        Transfer-Encoding: chunked\r\n\r\nzz\r\ngrant_type";
    let reply = raw::exchange(server.connect(), request.as_bytes(), Duration::from_secs(5));
    assert_eq!(reply.status(), 400, "{}", reply.text);
    assert_eq!(reply.answers(), 1, "{}", reply.text);
}
