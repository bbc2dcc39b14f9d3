//! What is not a proper request, at every route: a problem document with the
//! right status, no change, no panic.

use e2e::{BodyClient, Call, Person, Persona, Server};
use serde_json::{Value, json};

/// The routes with a JSON body: method, path, a good body, whether the access
/// token is asked for, and whether the body may be missing.
fn routes() -> Vec<(&'static str, &'static str, Value, bool)> {
    let new = "orchard-Comet-7-window";
    vec![
        (
            "POST",
            "/v1/register",
            Person::named("new").registration(),
            false,
        ),
        (
            "POST",
            "/v1/login",
            Person::named("ada").credentials(),
            false,
        ),
        (
            "POST",
            "/v1/refresh",
            json!({ "refresh_token": "a.b.c" }),
            false,
        ),
        (
            "POST",
            "/v1/logout",
            json!({ "refresh_token": "a.b.c" }),
            false,
        ),
        ("PATCH", "/v1/me", json!({ "full_name": "Another" }), true),
        (
            "DELETE",
            "/v1/me",
            json!({ "password": e2e::person::PASSWORD }),
            true,
        ),
        (
            "POST",
            "/v1/me/password",
            json!({ "current_password": e2e::person::PASSWORD, "new_password": new }),
            true,
        ),
    ]
}

struct Stage {
    server: Server,
    client: BodyClient,
}

impl Stage {
    fn new() -> Self {
        let server = Server::sqlite();
        let client = Person::registered(&server, "ada").log_in(&server);
        Self { server, client }
    }

    fn call(&self, method: &str, path: &str, authorized: bool) -> Call {
        let call = self.server.call(method, path);
        if authorized {
            call.bearer(&self.client.access())
        } else {
            call
        }
    }

    /// Nothing happened: the user, the name, the session are as before.
    fn assert_unchanged(mut self) {
        let me = self.client.get("/v1/me").expect(200).json();
        assert_eq!(me["user"]["full_name"], "ada of Example");
        assert_eq!(self.server.store().texts("count(*)", "FROM users"), ["1"]);
        assert_eq!(self.server.store().live_sessions(), 1);
        assert!(Person::named("ada").can_log_in(&self.server.anonymous()));
        e2e::client::assert_alive(&mut self.client);
        assert!(
            !self.server.log().contains("panicked"),
            "{}",
            self.server.log()
        );
    }
}

/// S123 S126 S127: text that is no JSON, or not as it should be encoded.
#[test]
fn malformed_json_is_400() {
    let stage = Stage::new();
    let deep = format!("{}{}", "[".repeat(20_000), "]".repeat(20_000));
    let texts: [&[u8]; 11] = [
        b"",
        b"{",
        b"}",
        b"nonsense",
        b"{\"username\":}",
        b"{'username':'ada'}",
        b"{\"username\":\"\xff\"}",
        b"\xef\xbb\xbf{}",
        b"{} {}",
        b"{\"a\":\"\\ud800\"}",
        deep.as_bytes(),
    ];
    for (method, path, _, authorized) in routes() {
        for text in texts {
            let call = stage.call(method, path, authorized);
            let reply = call.body("application/json", text).send();
            let what = String::from_utf8_lossy(&text[..text.len().min(30)]).into_owned();
            // An empty body at refresh and logout is a body that is not there.
            let empty_is_fine = text.is_empty() && ["/v1/refresh", "/v1/logout"].contains(&path);
            let expected = if empty_is_fine { 401 } else { 400 };
            let reply = reply.any_problem();
            assert_eq!(
                reply.status,
                expected,
                "{method} {path} {what:?}: {}",
                reply.text()
            );
        }
    }
    stage.assert_unchanged();
}

/// S95 S127: JSON that is not this route's: each member missing, of another type,
/// one too many, one twice.
#[test]
fn wrong_members_are_422() {
    let stage = Stage::new();
    for (method, path, good, authorized) in routes() {
        let send = |body: &str| {
            let reply = stage
                .call(method, path, authorized)
                .body("application/json", body)
                .send();
            let reply = reply.any_problem();
            assert_eq!(
                reply.status,
                422,
                "{method} {path} {body}: {}",
                reply.text()
            );
            reply
        };
        let mut more = good.clone();
        more["surprise"] = json!(1);
        assert_eq!(
            crate::registration::fields(&send(&more.to_string())),
            ["surprise"]
        );

        let names: Vec<&String> = good.as_object().expect("members").keys().collect();
        for name in &names {
            for value in [json!(7), json!([]), json!({}), json!(true)] {
                let mut body = good.clone();
                body[name.as_str()] = value;
                assert_eq!(
                    crate::registration::fields(&send(&body.to_string())),
                    [name.as_str()]
                );
            }
            let twice = good
                .to_string()
                .replacen('{', &format!("{{\"{name}\":\"x\","), 1);
            let reply = stage
                .call(method, path, authorized)
                .body("application/json", twice)
                .send();
            assert!(
                [400, 422].contains(&reply.any_problem().status),
                "{path} {name} twice"
            );
        }
        if !["/v1/refresh", "/v1/logout"].contains(&path) && method != "PATCH" {
            for name in names {
                let mut body = good.clone();
                body.as_object_mut().expect("members").remove(name);
                send(&body.to_string());
            }
            send("{}");
        }
        for text in ["[]", "null", "7", "\"text\""] {
            let reply = stage
                .call(method, path, authorized)
                .body("application/json", text)
                .send();
            assert!(
                [400, 422].contains(&reply.any_problem().status),
                "{path} {text}"
            );
        }
    }
    stage.assert_unchanged();
}

/// S126: nothing but JSON is read.
#[test]
fn another_content_type_is_415() {
    let stage = Stage::new();
    for (method, path, good, authorized) in routes() {
        for told in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "application/jsonx",
            "application/xml",
            "",
        ] {
            let call = stage
                .call(method, path, authorized)
                .body(told, good.to_string());
            let reply = call.send().any_problem();
            assert_eq!(
                reply.status,
                415,
                "{method} {path} {told:?}: {}",
                reply.text()
            );
        }
        let call = stage
            .call(method, path, authorized)
            .untyped_body(good.to_string());
        assert_eq!(
            call.send().any_problem().status,
            415,
            "{method} {path} untyped"
        );
    }
    stage.assert_unchanged();
}

/// A charset in the type changes nothing.
#[test]
fn a_charset_is_no_other_type() {
    let stage = Stage::new();
    let body = Person::named("ada").credentials().to_string();
    for told in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/json;charset=UTF-8",
    ] {
        stage
            .call("POST", "/v1/login", false)
            .body(told, body.as_str())
            .send()
            .expect(200);
    }
}

/// S127: more than 64 KiB are not read, whether the length is told or not.
#[test]
fn a_body_over_64_kib_is_413() {
    let stage = Stage::new();
    for (method, path, good, authorized) in routes() {
        let padded = format!("{}{}", " ".repeat(65 * 1024), good);
        let call = stage
            .call(method, path, authorized)
            .body("application/json", padded);
        assert_eq!(call.send().any_problem().status, 413, "{method} {path}");
    }
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000)).repeat(40);
    let raw = format!(
        "POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
    );
    let patience = std::time::Duration::from_secs(2);
    let reply = e2e::raw::exchange(stage.server.connect(), raw.as_bytes(), patience);
    assert_eq!(reply.status(), 413, "{}", reply.text);
    // Just within the limit it is read.
    let body = Person::named("ada").credentials().to_string();
    let fits = format!("{}{body}", " ".repeat(64 * 1024 - body.len()));
    let call = stage
        .call("POST", "/v1/login", false)
        .body("application/json", fits);
    let reply = call.send().expect(200);
    let client = BodyClient::with_pair(&stage.server.anonymous(), reply.json());
    client.call("POST", "/v1/logout").send().expect(204);
    stage.assert_unchanged();
}

/// S126: a route that is there, asked in another way.
#[test]
fn a_wrong_method_is_405() {
    let stage = Stage::new();
    for (path, allowed) in [
        ("/v1/register", "POST"),
        ("/v1/login", "POST"),
        ("/v1/refresh", "POST"),
        ("/v1/logout", "POST"),
        ("/v1/logout/all", "POST"),
        ("/v1/logout/others", "POST"),
        ("/v1/me", "GET PATCH DELETE"),
        ("/v1/me/password", "POST"),
        ("/v1/me/sessions", "GET"),
        (
            "/v1/me/sessions/018f0000-0000-7000-8000-000000000000",
            "DELETE",
        ),
        ("/v1/verify", "GET"),
        ("/.well-known/jwks.json", "GET"),
        ("/healthz", "GET"),
        ("/readyz", "GET"),
    ] {
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"] {
            if allowed.split(' ').any(|known| known == method) {
                continue;
            }
            let reply = stage.call(method, path, true).send().any_problem();
            assert_eq!(reply.status, 405, "{method} {path}: {}", reply.text());
            let allow = reply
                .header("allow")
                .unwrap_or_else(|| panic!("Allow at {path}"));
            for known in allowed.split(' ') {
                assert!(allow.contains(known), "{method} {path}: {allow}");
            }
        }
    }
    stage.assert_unchanged();
}

/// S123: what is not there.
#[test]
fn an_unknown_route_is_404() {
    let stage = Stage::new();
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v1/login/",
        "/V1/login",
        "/v1/../v1/login",
        "//v1/login",
        "/v1%2Flogin",
        "/.git/config",
        "/v1/me/sessions/",
        "/%00",
        "/%ff",
        "/v2/login",
    ] {
        for method in ["GET", "POST"] {
            let reply = stage.call(method, path, false).send().any_problem();
            assert_eq!(reply.status, 404, "{method} {path}: {}", reply.text());
            assert!(
                !reply
                    .text()
                    .contains(&stage.server.directory().display().to_string())
            );
        }
    }
    stage.assert_unchanged();
}

/// S121: a token in the address is not looked at.
#[test]
fn a_token_in_the_address_is_not_read() {
    let stage = Stage::new();
    let path = format!("/v1/me?access_token={}", stage.client.access());
    stage
        .call("GET", &path, false)
        .send()
        .problem(401, "access_token_missing");
    let path = format!("/v1/refresh?refresh_token={}", stage.client.refresh_token());
    stage
        .call("POST", &path, false)
        .send()
        .problem(401, "refresh_token_missing");
    stage.assert_unchanged();
}

/// S123: answers say nothing of the inside.
#[test]
fn problems_tell_nothing_of_the_inside() {
    let stage = Stage::new();
    for body in ["{", "[]", "{\"username\":\"ada\"}"] {
        let reply = stage
            .call("POST", "/v1/login", false)
            .body("application/json", body)
            .send();
        let text = reply.any_problem().text().to_lowercase();
        for word in [
            "select ", "sqlite", "diesel", "src/", ".rs", "rust", "serde", "actix",
        ] {
            assert!(!text.contains(word), "{word} in {text}");
        }
    }
    stage.assert_unchanged();
}
