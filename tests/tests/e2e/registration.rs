//! `POST /v1/register`.

use std::sync::Barrier;
use std::thread;

use e2e::{Database, Person, Reply, Server, Setup, flows};
use serde_json::json;

use crate::shape;

flows!(
    an_account_is_made,
    taken_names_are_refused_in_any_spelling,
    parallel_registrations_of_one_name_make_one_account,
);

/// S23 S124: the user comes back without anything secret, and is not stored by
/// caches.
fn an_account_is_made(database: Database) {
    let server = Server::on(database);
    let reply = server
        .anonymous()
        .register(&Person::named("ada"))
        .expect(201);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    assert!(reply.set_cookies().is_empty());
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

/// S89 S94: case, width and composition make no second name or address.
fn taken_names_are_refused_in_any_spelling(database: Database) {
    let server = Server::on(database);
    let zoe = Person::named("Zoë").with_email("Zoe@Example.com");
    server.anonymous().register(&zoe).expect(201);

    for spelling in ["Zoë", "ZOË", "zoë", "zoe\u{308}", "Ｚｏë"] {
        let other = Person::named(spelling).with_email("other@example.com");
        server
            .anonymous()
            .register(&other)
            .problem(409, "username_taken");
    }
    for spelling in ["Zoe@Example.com", "ZOE@EXAMPLE.COM", "zoe@example.com"] {
        let other = Person::named("other").with_email(spelling);
        server
            .anonymous()
            .register(&other)
            .problem(409, "email_taken");
    }
    // Without the diaeresis it is another name.
    let plain = Person::named("zoe").with_email("plain@example.com");
    server.anonymous().register(&plain).expect(201);
}

/// S92: of many at once, one wins and the others are told why.
fn parallel_registrations_of_one_name_make_one_account(database: Database) {
    let server = Server::on(database);
    let spellings = ["grace", "Grace", "GRACE", "ｇｒａｃｅ"];
    let start = Barrier::new(16);
    let replies: Vec<Reply> = thread::scope(|scope| {
        let racers: Vec<_> = (0..16)
            .map(|number| {
                let person = Person::named(spellings[number % spellings.len()])
                    .with_email(&format!("grace{number}@example.com"));
                let (anonymous, start) = (server.anonymous(), &start);
                scope.spawn(move || {
                    start.wait();
                    anonymous.register(&person)
                })
            })
            .collect();
        racers
            .into_iter()
            .map(|racer| racer.join().expect("a racer"))
            .collect()
    });
    let made = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(made, 1);
    for reply in replies.into_iter().filter(|reply| reply.status != 201) {
        reply.problem(409, "username_taken");
    }
    assert_eq!(server.store().texts("count(*)", "FROM users"), ["1"]);
}

/// S94: names of any script, and what is not a name.
#[test]
fn names_are_parsed() {
    let server = Server::sqlite();
    for (number, good) in ["Ж", "用户", "a.b-c_d", "o'neill", &"x".repeat(64)]
        .iter()
        .enumerate()
    {
        let person = Person::named(good).with_email(&format!("good{number}@example.com"));
        let user = server.anonymous().register(&person).expect(201).json();
        assert_eq!(user["user"]["username"], **good);
    }
    let long = "x".repeat(65);
    for bad in [
        "",
        " ",
        "a b",
        "a@b",
        "a\u{0}b",
        "a\nb",
        "a ",
        "\u{a0}a",
        "a\u{202e}b\u{7}",
        &long,
    ] {
        let mut body = Person::named("bad").registration();
        body["username"] = bad.into();
        let reply = server
            .anonymous()
            .post("/v1/register", body)
            .expect(422)
            .any_problem();
        assert_eq!(fields(&reply), ["username"], "{bad:?}");
    }
}

/// S94: one `@`, something on both sides, no control characters, a bounded length.
#[test]
fn addresses_are_parsed() {
    let server = Server::sqlite();
    let long = format!("{}@example.com", "x".repeat(300));
    for bad in [
        "",
        "ada",
        "@example.com",
        "ada@",
        "a@b@example.com",
        "a b@example.com",
        "a\n@example.com",
        &long,
    ] {
        let person = Person::named("ada").with_email(bad);
        let reply = server
            .anonymous()
            .register(&person)
            .expect(422)
            .any_problem();
        assert_eq!(fields(&reply), ["email"], "{bad:?}");
    }
    server
        .anonymous()
        .register(&Person::named("ada"))
        .expect(201);
}

/// S95: nobody makes himself an administrator or a verified user.
#[test]
fn members_that_are_not_asked_for_are_refused() {
    let server = Server::sqlite();
    for (member, value) in [
        ("roles", json!(["admin"])),
        ("role", json!("admin")),
        ("id", json!("018f0000-0000-7000-8000-000000000000")),
        ("email_verified", json!(true)),
        ("is_active", json!(true)),
    ] {
        let mut body = Person::named("eve").registration();
        body[member] = value;
        server
            .anonymous()
            .post("/v1/register", body)
            .expect(422)
            .any_problem();
    }
    assert_eq!(server.store().texts("count(*)", "FROM users"), ["0"]);
}

/// S95: `closed` leaves the making of accounts to administrators.
#[test]
fn registration_can_be_closed() {
    let server = Setup::sqlite().set("RENEWD_REGISTRATION", "closed").start();
    server
        .anonymous()
        .register(&Person::named("ada"))
        .problem(403, "registration_closed");
    assert_eq!(server.store().texts("count(*)", "FROM users"), ["0"]);
}

/// Several mistakes are told at once.
#[test]
fn every_mistake_is_told() {
    let server = Server::sqlite();
    let body =
        json!({ "username": "a@b", "email": "ada", "full_name": "Ada", "password": "short" });
    let reply = server
        .anonymous()
        .post("/v1/register", body)
        .expect(422)
        .any_problem();
    let mut told = fields(&reply);
    told.sort();
    assert_eq!(told, ["email", "password", "username"]);
}

/// The fields that the `errors` of a problem document name.
pub fn fields(reply: &Reply) -> Vec<String> {
    let body = reply.json();
    let errors = body["errors"]
        .as_array()
        .unwrap_or_else(|| panic!("no errors: {body}"));
    errors
        .iter()
        .map(|error| {
            assert!(
                error["code"].as_str().is_some_and(|code| !code.is_empty()),
                "{body}"
            );
            assert!(
                error["detail"]
                    .as_str()
                    .is_some_and(|detail| !detail.is_empty()),
                "{body}"
            );
            error["field"].as_str().expect("a field").to_owned()
        })
        .collect()
}
