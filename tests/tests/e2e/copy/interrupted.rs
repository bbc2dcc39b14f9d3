//! A copy that is killed half-way.

use std::path::Path;
use std::process::Stdio;

use e2e::database::Store;
use e2e::{BodyClient, Database, Person, Persona, Server, clock, flows, process};

use super::{copy, empty, master_key, stop};

flows!(a_copy_that_was_killed_is_no_copy);

/// So many that copying them takes seconds.
const SESSIONS: u32 = 150_000;

/// More of the one session that there is, each with an id of its own.
fn multiply(store: &Store) {
    let columns = "user_id, client_id, scope, generation, refresh_digest, refresh_kid, rotated_at, \
                   created_at, authenticated_at, expires_at, max_expires_at, transport, remember, amr";
    store.execute(&format!(
        "INSERT INTO sessions (id, {columns}) \
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers \
         WHERE n < {SESSIONS}) SELECT randomblob(16), {columns} FROM sessions, numbers"
    ));
}

/// Whether rows of a transaction that is not committed have reached the target.
fn is_half_way(target: &Store) -> bool {
    const SOME: u64 = 4 << 20;
    match target {
        Store::Sqlite(path) => {
            std::fs::metadata(format!("{path}-wal")).is_ok_and(|log| log.len() > SOME)
        }
        Store::Given(_) | Store::Postgres { .. } => {
            let size = "coalesce(pg_relation_size(to_regclass('sessions')), 0)";
            let size = target.texts(size, "");
            size[0].parse::<u64>().expect("a number") > SOME
        }
    }
}

/// kill -9 in the middle: nothing of it is taken for a copy, and the next one is whole.
fn a_copy_that_was_killed_is_no_copy(database: Database) {
    let mut source = Server::sqlite();
    let client = Person::registered(&source, "ada").log_in(&source);
    stop(&mut source);
    multiply(source.store());

    let (setup, url) = empty(database);
    let from = source.store().url();
    let mut command = process::command(&process::renewctl(), Path::new("/"), &[]);
    command.args(["db", "copy", "--from", &from, "--to", &url]);
    let mut copying = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("renewctl starts");
    clock::eventually("half of a copy", || {
        is_half_way(setup.store()).then_some(())
    });
    copying.kill().expect("kill -9");
    let status = copying.wait().expect("it is waited for");
    assert_eq!(status.code(), None, "it was killed, and had not finished");

    for table in ["users", "sessions", "keys"] {
        let count = setup.store().texts("count(*)", &format!("FROM {table}"));
        assert_eq!(count, ["0"], "{table}");
    }
    let copied = copy(&source, &url, &[]);
    assert_eq!(copied.code, Some(0), "{copied:?}");
    let server = setup.set("RENEWD_MASTER_KEY", &master_key(&source)).start();
    let count = server.store().texts("count(*)", "FROM sessions");
    assert_eq!(count, [(SESSIONS + 1).to_string()]);
    let mut client = BodyClient::with_pair(&server.anonymous(), client.pair);
    client.refresh().expect(200);
}
