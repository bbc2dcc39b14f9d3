//! `POST /v1/login`, the pair that it answers, and who is refused.

use std::time::{Duration, Instant};

use e2e::{Ctl, Database, Person, Server, flows, jwt};
use serde_json::{Value, json};

use crate::shape;

flows!(
    the_pair_has_exactly_these_members,
    any_of_three_names_will_do,
    every_refusal_is_the_same,
);

/// S21 S72 S124: a pair in the body, with times that agree with its claims.
fn the_pair_has_exactly_these_members(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let reply = server
        .anonymous()
        .post("/v1/login", ada.credentials())
        .expect(200);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert!(reply.set_cookies().is_empty());
    let pair = reply.json();
    insta::assert_json_snapshot!(pair, {
        ".access_token" => shape::token("at+jwt"),
        ".refresh_token" => shape::token("rt+jwt"),
        ".session_id" => shape::id(),
        ".user.id" => shape::id(),
        ".user.created_at" => shape::time(),
    }, @r#"
    {
      "access_token": "[at+jwt]",
      "expires_in": 900,
      "refresh_expires_in": 2592000,
      "refresh_token": "[rt+jwt]",
      "session_id": "[id]",
      "token_type": "Bearer",
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
    let lifetime = |claims: &Value| {
        let time = |name: &str| claims[name].as_i64().expect("a time");
        time("exp") - time("iat")
    };
    let claims = |token: &str| jwt::claims(pair[token].as_str().expect("a token"));
    let (access, refresh) = (claims("access_token"), claims("refresh_token"));
    assert_eq!(pair["expires_in"], lifetime(&access));
    // The row counts finer than seconds: it ends within the second before `exp`.
    let told = pair["refresh_expires_in"].as_i64().expect("seconds");
    assert!((told..=told + 1).contains(&lifetime(&refresh)), "{refresh}");
    for claims in [access, refresh] {
        assert_eq!(claims["sid"], pair["session_id"]);
        assert_eq!(claims["sub"], pair["user"]["id"]);
    }
}

/// S89: by identifier, e-mail or user name, however they are spelt.
fn any_of_three_names_will_do(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "Ada");
    let names = [
        ("username", "Ada"),
        ("username", "aDA"),
        ("username", "Ａｄａ"),
        ("email", "Ada@example.com"),
        ("email", "ADA@EXAMPLE.COM"),
        ("identifier", "ada"),
        ("identifier", "ADA@Example.Com"),
    ];
    for (member, name) in names {
        let body = json!({ member: name, "password": ada.password });
        let pair = server
            .anonymous()
            .post("/v1/login", body)
            .expect(200)
            .json();
        assert_eq!(pair["user"]["username"], "Ada", "{member} {name}");
    }
    // A user name is no e-mail address, nor the reverse.
    for (member, name) in [("email", "Ada"), ("username", "Ada@example.com")] {
        let body = json!({ member: name, "password": ada.password });
        let status = server
            .anonymous()
            .post("/v1/login", body)
            .any_problem()
            .status;
        assert!([401, 422].contains(&status), "{member} {name}: {status}");
    }
}

/// S84: unknown, wrong password, disabled: the same status, headers and body.
fn every_refusal_is_the_same(database: Database) {
    let server = Server::on(database);
    Person::registered(&server, "ada");
    let eve = Person::registered(&server, "eve");
    Ctl::of(&server).done(&["user", "disable", "eve"]);

    let wrong = json!({ "username": "ada", "password": "not the password 1" });
    let unknown = json!({ "username": "nobody", "password": "not the password 1" });
    let email = json!({ "email": "nobody@example.com", "password": "not the password 1" });
    let empty = json!({ "username": "ada", "password": "x" });
    let long = json!({ "username": "nobody", "password": "x".repeat(4000) });
    let answers: Vec<(Value, Vec<String>)> =
        [wrong, unknown, email, empty, long, eve.credentials()]
            .into_iter()
            .map(|body| {
                let reply = server.anonymous().post("/v1/login", body);
                let reply = reply.problem(401, "invalid_credentials");
                let mut names: Vec<String> = reply
                    .headers
                    .keys()
                    .map(|name| name.as_str().to_owned())
                    .collect();
                names.sort();
                (reply.json(), names)
            })
            .collect();
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
}

/// S85: a refusal takes as long for a name that nobody has, and for a password
/// that no account can have. (What is told apart here is one hash from none, a
/// factor of dozens; a finer measurement belongs to a quiet machine.)
#[test]
fn every_refusal_takes_as_long() {
    let server = Server::sqlite();
    Person::registered(&server, "ada");
    let cases = [
        ("ada", "not the password 1".to_owned()),
        ("nobody", "not the password 1".to_owned()),
        ("nobody", "x".to_owned()),
        ("ada", "x".repeat(4000)),
        ("nobody", "x".repeat(4000)),
    ];
    let mut times = vec![Vec::new(); cases.len()];
    for _ in 0..9 {
        for ((name, password), times) in cases.iter().zip(&mut times) {
            let body = json!({ "username": name, "password": password });
            let start = Instant::now();
            server
                .anonymous()
                .post("/v1/login", body)
                .problem(401, "invalid_credentials");
            times.push(start.elapsed());
        }
    }
    let medians: Vec<Duration> = times
        .into_iter()
        .map(|mut times| {
            times.sort();
            times[times.len() / 2]
        })
        .collect();
    for median in &medians {
        assert!(
            *median * 3 > medians[0] && *median < medians[0] * 3,
            "{medians:?}"
        );
    }
}

/// One name, not none and not two; a transport that exists; no other members.
#[test]
fn the_body_is_read_strictly() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let (name, mail, password) = (&ada.username, &ada.email, &ada.password);
    for body in [
        json!({ "password": password }),
        json!({ "username": name, "email": mail, "password": password }),
        json!({ "username": name, "identifier": name, "password": password }),
        json!({ "username": name }),
        json!({ "username": name, "password": password, "transport": "pigeon" }),
        json!({ "username": name, "password": password, "remember": "yes" }),
        json!({ "username": name, "password": password, "scope": "admin" }),
        json!({ "username": 7, "password": password }),
        json!({ "username": name, "password": [password] }),
    ] {
        server
            .anonymous()
            .post("/v1/login", body)
            .expect(422)
            .any_problem();
    }
    assert_eq!(server.store().live_sessions(), 0);
}
