//! Copies that are refused: with one line, and with nothing changed.

use e2e::process::Finished;
use e2e::{Ctl, Database, Person, Server, Setup, flows};

use super::{copy, empty, master_key, stop};
use crate::configuration::assert_one_line;

flows!(
    what_cannot_be_copied_is_told,
    a_source_in_use_is_copied_only_as_a_rehearsal,
    only_an_empty_target_is_filled,
);

#[track_caller]
fn refused(copied: &Finished, words: &str) {
    assert_one_line(copied, words);
    assert_eq!(copied.code, Some(1), "{copied:?}");
    assert_eq!(copied.stdout, "");
}

/// How much is in a server's database.
fn sizes(server: &Server) -> Vec<String> {
    ["users", "sessions", "keys", "clients", "audit_events"]
        .map(|table| {
            server
                .store()
                .texts("count(*)", &format!("FROM {table}"))
                .remove(0)
        })
        .to_vec()
}

#[expect(clippy::needless_pass_by_value, reason = "a flow takes its database")]
fn what_cannot_be_copied_is_told(database: Database) {
    let mut server = Server::on(database.clone());
    Person::registered(&server, "ada").log_in(&server);
    stop(&mut server);
    let before = sizes(&server);
    let url = server.store().url();
    let other_spelling = match url.strip_prefix("sqlite://") {
        Some(path) => format!("sqlite://{}", path.replace("/data/", "/data/../data/")),
        None => url.replacen("postgres://", "postgresql://", 1),
    };
    for same in [&url, &other_spelling] {
        refused(&copy(&server, same, &[]), "same database");
    }
    let nowhere = "postgres://nobody:secret-word@127.0.0.1:1/none";
    let unreachable = copy(&server, nowhere, &[]);
    refused(&unreachable, "the target: cannot connect");
    assert!(!unreachable.stderr.contains("secret-word"));
    refused(&copy(&server, "mysql://there", &[]), "sqlite://");
    refused(
        &copy(&server, "sqlite:///nowhere/at/all.db", &[]),
        "does not exist",
    );

    let (setup, target) = empty(Database::sqlite());
    let path = setup.directory().join("data/renewd.db");
    let ctl = Ctl::of(&server);
    let missing = format!("sqlite://{}", setup.directory().join("none.db").display());
    let from = |source: &str| {
        let args = ["db", "copy", "--from", source, "--to", &target];
        ctl.run(&args)
    };
    refused(&from(&missing), "the source: there is no database");
    let store = server.store();
    for (change, words) in [
        (
            "INSERT INTO __diesel_schema_migrations (version) VALUES ('99999999999999')",
            "newer",
        ),
        (
            "DELETE FROM __diesel_schema_migrations WHERE version > '00000000000002'",
            "older",
        ),
    ] {
        store.execute(change);
        refused(&from(&url), words);
    }
    assert!(
        !path.exists(),
        "no target is made for a source that is not good"
    );
    assert_eq!(sizes(&server), before);
}

/// What is refreshed at the source afterwards could not go on at the target.
fn a_source_in_use_is_copied_only_as_a_rehearsal(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let (setup, target) = empty(Database::sqlite());
    refused(&copy(&server, &target, &[]), "stop every renewd");
    assert!(!setup.directory().join("data/renewd.db").exists());

    let copied = copy(&server, &target, &["--live"]);
    assert_eq!(copied.code, Some(0), "{copied:?}");
    assert!(copied.stderr.contains("rehearsal"), "{copied:?}");
    let rehearsal = setup.set("RENEWD_MASTER_KEY", &master_key(&server)).start();
    assert!(ada.can_log_in(&rehearsal.anonymous()));
    assert!(ada.can_log_in(&server.anonymous()));
}

/// Nothing is mixed: neither with users, nor with the keys of a server that was only
/// started.
fn only_an_empty_target_is_filled(database: Database) {
    let mut source = Server::sqlite();
    Person::registered(&source, "ada").log_in(&source);
    stop(&mut source);
    let mut target = Server::on(database);
    let url = target.store().url();
    stop(&mut target);
    refused(&copy(&source, &url, &[]), "not empty (it has 4 keys)");
    target.restart();
    let bob = Person::registered(&target, "bob");
    stop(&mut target);
    let before = sizes(&target);
    refused(
        &copy(&source, &url, &[]),
        "not empty (it has 1 users, 4 keys",
    );
    assert_eq!(sizes(&target), before);
    target.restart();
    assert!(bob.can_log_in(&target.anonymous()));
}

/// Both are asked for.
#[test]
fn a_copy_has_two_ends() {
    let setup = Setup::sqlite();
    let ctl = Ctl::at(setup.directory().to_owned(), "sqlite://x.db");
    for args in [
        vec!["db", "copy"],
        vec!["db", "copy", "--from", "sqlite://x.db"],
        vec!["db", "copy", "--to", "sqlite://x.db"],
    ] {
        assert_eq!(ctl.run(&args).code, Some(2), "{args:?}");
    }
}
