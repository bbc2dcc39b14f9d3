//! `renewctl`, alone and beside a running server.

use e2e::client::{assert_alive, assert_dead};
use e2e::server::SEEN_WITHIN;
use e2e::{Ctl, Database, Person, Persona, Server, Setup, clock, flows};
use serde_json::Value;

flows!(
    an_administrator_makes_and_shows_users,
    what_it_ends_the_server_refuses_at_once,
    a_set_password_ends_every_session,
    a_deleted_user_is_gone,
);

const NEW: &str = "orchard-Comet-7-window";

fn create(ctl: &Ctl, name: &str, password: &str) -> e2e::process::Finished {
    let email = format!("{name}@example.com");
    let args = [
        "user",
        "create",
        name,
        "--email",
        &email,
        "--full-name",
        "Made Here",
        "--password-stdin",
    ];
    ctl.run_with(&args, &format!("{password}\n"))
}

/// The objects anywhere in a document that have this member with this value.
fn having<'a>(document: &'a Value, member: &str, value: &str) -> Vec<&'a Value> {
    let inner: Vec<&Value> = match document {
        Value::Array(items) => items.iter().collect(),
        Value::Object(members) => members.values().collect(),
        _ => Vec::new(),
    };
    let mut found: Vec<&Value> = inner
        .into_iter()
        .flat_map(|inner| having(inner, member, value))
        .collect();
    if document.get(member).is_some_and(|known| known == value) {
        found.push(document);
    }
    found
}

/// S135: a password comes by standard input; what is printed says nothing of it.
fn an_administrator_makes_and_shows_users(database: Database) {
    let server = Server::on(database);
    let ctl = Ctl::of(&server);
    let made = create(&ctl, "made", NEW);
    assert_eq!(made.code, Some(0), "{made:?}");
    let made_person = Person::named("made").with_password(NEW);
    made_person.log_in(&server);
    Person::registered(&server, "ada");

    let listed = ctl.json(&["user", "list"]);
    for name in ["made", "ada"] {
        assert_eq!(having(&listed, "username", name).len(), 1, "{listed}");
    }
    let shown = ctl.json(&["user", "show", "made"]);
    assert_eq!(
        having(&shown, "email", "made@example.com").len(),
        1,
        "{shown}"
    );
    let text = format!("{made:?}{listed}{shown}");
    for secret in [NEW, "$2b$", "password_hash"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    // By e-mail, by id, in another spelling.
    let id = having(&shown, "username", "made")[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    for name in ["made@example.com", "MADE", &id] {
        let shown = ctl.json(&["user", "show", name]);
        assert_eq!(
            having(&shown, "username", "made").len(),
            1,
            "{name}: {shown}"
        );
    }
    let table = ctl.done(&["--output", "table", "user", "list"]);
    assert!(
        table.stdout.contains("made") && table.stdout.contains("ada"),
        "{table:?}"
    );

    assert_eq!(create(&ctl, "MADE", NEW).code, Some(1), "the name is taken");
    assert_eq!(
        create(&ctl, "weak", "password").code,
        Some(1),
        "the password is weak"
    );
    assert_eq!(create(&ctl, "a@b", NEW).code, Some(1), "this is no name");
}

/// I5: within half a second, in a process that has nothing to do with this one.
fn what_it_ends_the_server_refuses_at_once(database: Database) {
    let server = Server::on(database);
    let ctl = Ctl::of(&server);
    let ada = Person::registered(&server, "ada");
    let (one, two) = (ada.log_in(&server), ada.log_in(&server));
    let mut bob = Person::registered(&server, "bob").log_in(&server);

    let listed = ctl.json(&["session", "list", "--user", "ada"]);
    for client in [&one, &two] {
        assert_eq!(
            having(&listed, "id", &client.session()).len(),
            1,
            "{listed}"
        );
    }
    assert_eq!(having(&listed, "id", &bob.session()).len(), 0, "{listed}");

    let refused = |client: &e2e::BodyClient| {
        clock::within(SEEN_WITHIN, "the end of the session", || {
            (client.get("/v1/verify").status == 401).then_some(())
        });
        assert_dead(client);
        assert_eq!(
            server.store().session(&client.session(), "end_reason"),
            "admin"
        );
    };
    two.get("/v1/verify").expect(204);
    ctl.done(&["session", "end", &one.session()]);
    refused(&one);
    two.get("/v1/verify").expect(204);
    ctl.done(&["session", "end", "--user", "ada"]);
    refused(&two);
    assert_alive(&mut bob);
}

/// S57 S96.
fn a_set_password_ends_every_session(database: Database) {
    let server = Server::on(database);
    let ctl = Ctl::of(&server);
    let ada = Person::registered(&server, "ada");
    let client = ada.log_in(&server);
    let set = ctl.run_with(&["user", "set-password", "ada", "--password-stdin"], NEW);
    assert_eq!(set.code, Some(0), "{set:?}");
    clock::within(SEEN_WITHIN, "the end of the session", || {
        (client.get("/v1/verify").status == 401).then_some(())
    });
    assert_dead(&client);
    assert!(!ada.can_log_in(&server.anonymous()));
    assert!(ada.with_password(NEW).can_log_in(&server.anonymous()));
}

/// S57 S69.
fn a_deleted_user_is_gone(database: Database) {
    let server = Server::on(database);
    let ctl = Ctl::of(&server);
    let ada = Person::registered(&server, "ada");
    let client = ada.log_in(&server);
    ctl.done(&["user", "delete", "ada"]);
    clock::within(SEEN_WITHIN, "the end of the session", || {
        (client.get("/v1/verify").status == 401).then_some(())
    });
    assert_dead(&client);
    assert!(!ada.can_log_in(&server.anonymous()));
    assert_eq!(ctl.run(&["user", "show", "ada"]).code, Some(1));
    let listed = ctl.json(&["user", "list"]);
    assert!(having(&listed, "username", "ada").is_empty(), "{listed}");
}

/// 0 done, 1 failed, 2 usage; a failure is told on standard error.
#[test]
fn exit_statuses_tell_what_happened() {
    let server = Server::sqlite();
    Person::registered(&server, "ada");
    let ctl = Ctl::of(&server);
    let unknown = "018f0000-0000-7000-8000-000000000000";
    for (expected, args) in [
        (0, vec!["user", "list"]),
        (0, vec!["--help"]),
        (0, vec!["db", "status"]),
        (1, vec!["user", "show", "nobody"]),
        (1, vec!["--yes", "user", "disable", "nobody"]),
        (1, vec!["--yes", "session", "end", unknown]),
        (2, vec![]),
        (2, vec!["user"]),
        (2, vec!["user", "dance"]),
        (2, vec!["user", "show"]),
        (2, vec!["--output", "xml", "user", "list"]),
        (2, vec!["session", "end"]),
        (2, vec!["user", "list", "--no-such-flag"]),
    ] {
        let finished = ctl.run(&args);
        assert_eq!(finished.code, Some(expected), "{args:?}: {finished:?}");
        if expected == 1 {
            assert!(!finished.stderr.trim().is_empty(), "{args:?}: {finished:?}");
            assert!(!finished.stderr.contains("panicked"), "{finished:?}");
        }
    }
}

/// Without a terminal there is nobody to ask: dangerous things want `--yes`.
#[test]
fn dangerous_things_want_a_yes() {
    let server = Server::sqlite();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    let ctl = Ctl::of(&server);
    let session = client.session();
    for args in [
        vec!["user", "delete", "ada"],
        vec!["user", "disable", "ada"],
        vec!["session", "end", &session],
        vec!["session", "end", "--user", "ada"],
    ] {
        let finished = ctl.run(&args);
        assert!(
            finished.code.is_some_and(|code| code != 0),
            "{args:?}: {finished:?}"
        );
        assert!(finished.stderr.contains("--yes"), "{finished:?}");
    }
    assert_alive(&mut client);
}

/// A database can be made and looked at before any server runs.
#[test]
fn a_database_can_be_migrated_first() {
    let setup = Setup::sqlite();
    let path = setup.directory().join("other.db");
    let ctl = Ctl::at(
        setup.directory().to_owned(),
        &format!("sqlite://{}", path.display()),
    );
    ctl.done(&["db", "migrate"]);
    let again = ctl.done(&["db", "migrate"]);
    assert!(!again.stderr.contains("error"), "{again:?}");
    ctl.json(&["db", "status"]);
    assert!(path.exists());
    let server = setup
        .set(
            "RENEWD_DATABASE_URL",
            &format!("sqlite://{}", path.display()),
        )
        .set("RENEWD_MIGRATE", "false")
        .start();
    assert!(Person::registered(&server, "ada").can_log_in(&server.anonymous()));
}

/// Without its migrations, and told not to make them, a server does not start.
#[test]
fn a_database_that_is_not_migrated_is_told() {
    let finished = Setup::sqlite().set("RENEWD_MIGRATE", "false").run([]);
    crate::configuration::assert_one_line(&finished, "migrat");
}
