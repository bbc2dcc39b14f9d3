//! What only a PostgreSQL server can do: commit late, be out of reach, be restarted, only read.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    unreachable_pub,
    dead_code,
    reason = "tests fail by panicking, also in their helpers, which other tests use more of"
)]

mod support;

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use pollster::block_on;
use storage_diesel::{DatabaseUrl, OpenError, Options, Storage};
use support::{TestDatabase, World, at_once};
use token_core::revocation::{Freshness, RevocationSet, WhenStale};
use token_core::store::{FeedCursor, FeedStore, SessionStore, StoreError};
use token_core::time::SystemClock;

fn options() -> Options {
    let freshness = Freshness {
        max_staleness: Duration::from_secs(10),
        when_stale: WhenStale::Open,
    };
    Options::new(
        Arc::new(SystemClock::default()),
        Arc::new(RevocationSet::new(Duration::from_secs(905), freshness)),
    )
}

/// I5: the end that was written first is committed last, after others were read.
#[test]
fn an_end_that_commits_late_is_in_the_feed() {
    let Some(database) = TestDatabase::postgres() else {
        return;
    };
    let world = World::new(database);
    let ann = world.user("ann");
    let (late, _) = world.session(&ann);
    let (early, _) = world.session(&ann);
    let end = |id| {
        format!(
            "UPDATE sessions SET ended_at = '{}', end_reason = 'admin' WHERE id = '{id}'",
            world.at(1).to_rfc3339()
        )
    };
    let mut slow = world.database.postgres_connection();
    slow.batch_execute("BEGIN").unwrap();
    slow.batch_execute(&end(late.id)).unwrap();

    let poll = |cursor| block_on(world.storage.ended_sessions(cursor, world.at(-900))).unwrap();
    let mut page = poll(FeedCursor::START);
    assert!(page.ended.is_empty());
    world.database.execute(&end(early.id));
    for _ in 0..3 {
        page = poll(page.cursor);
        assert_eq!(page.ended, [(early.id, world.at(1))]);
    }
    slow.batch_execute("COMMIT").unwrap();
    page = poll(page.cursor);
    assert!(page.ended.iter().any(|(id, _)| *id == late.id));
}

/// A position of another server, further on than this one ever was.
#[test]
fn a_position_from_the_future_starts_again() {
    let Some(database) = TestDatabase::postgres() else {
        return;
    };
    let world = World::new(database);
    let (session, _) = world.session(&world.user("ann"));
    world
        .database
        .execute("UPDATE sessions SET ended_at = rotated_at, end_reason = 'admin'");
    let future = FeedCursor::at(1 << 60);
    let page = block_on(world.storage.ended_sessions(future, world.at(-900))).unwrap();
    assert_eq!(page.ended, [(session.id, world.start)]);
}

#[test]
fn nodes_that_start_at_once_migrate_once() {
    let Some(database) = TestDatabase::postgres() else {
        return;
    };
    let url = DatabaseUrl::parse(&database.url()).unwrap();
    let none = Storage::migration_status(&url).unwrap();
    assert!(none.migrations.iter().all(|m| !m.applied));
    let mut no_migrations = options();
    no_migrations.migrate = false;
    let older = Storage::open(&url, &no_migrations).unwrap_err();
    assert!(matches!(older, OpenError::Older { .. }), "{older:?}");
    let mut few = options();
    few.postgres.connections = 2;
    at_once(6, |_| drop(Storage::open(&url, &few).unwrap()));
    assert!(Storage::migration_status(&url).unwrap().is_current());
    drop(database);
}

/// Connections that the server closed are replaced, and the unit that found one is done again.
#[test]
fn a_restarted_server_is_found_again() {
    let Some(database) = TestDatabase::postgres() else {
        return;
    };
    let world = World::new(database);
    let (_, token) = world.session(&world.user("ann"));
    world.database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    world.advance(&token, 60);
    at_once(30, |_| block_on(world.storage.ping()).unwrap());
}

/// A node that was cut off may hold the row for long.
#[test]
fn nobody_waits_for_the_heartbeat_of_another() {
    let Some(database) = TestDatabase::postgres() else {
        return;
    };
    let world = World::new(database);
    let (_, token) = world.session(&world.user("ann"));
    let mut stuck = world.database.postgres_connection();
    stuck
        .batch_execute("BEGIN; SELECT beat_at FROM heartbeat FOR UPDATE")
        .unwrap();
    let token = world.advance(&token, 60);
    let last = || block_on(world.storage.heartbeat()).unwrap();
    assert_eq!(last(), Some(world.at(0)));
    stuck.batch_execute("ROLLBACK").unwrap();
    world.advance(&token, 120);
    assert_eq!(last(), Some(world.at(120)));
}

#[test]
fn a_server_that_only_reads_is_not_well() {
    let Some(database) = TestDatabase::postgres() else {
        return;
    };
    let world = World::new(database);
    block_on(world.storage.ping()).unwrap();
    let url = world.database.url();
    let name = url.rsplit_once('/').unwrap().1.split('?').next().unwrap();
    world.database.execute(&format!(
        "ALTER DATABASE {name} SET default_transaction_read_only = on"
    ));
    let url = DatabaseUrl::parse(&url).unwrap();
    let error = Storage::open(&url, &options()).unwrap_err();
    assert!(matches!(&error, OpenError::Unsuitable(_)), "{error}");

    // Nor is a connection good that was opened again.
    world.database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    let error = block_on(world.storage.ping()).unwrap_err();
    assert!(matches!(&error, StoreError::Unavailable(_)), "{error}");
    assert!(error.to_string().contains("only reads"), "{error}");
}

/// The constraint that every end carries its transaction is kept by the database itself.
#[test]
fn every_end_is_stamped() {
    let Some(database) = TestDatabase::postgres() else {
        return;
    };
    let world = World::new(database);
    let ann = world.user("ann");
    let (_, token) = world.session(&ann);
    let next = world.advance(&token, 60);
    let stamped = "SELECT count(ended_xid) AS n FROM sessions";
    assert_eq!(world.database.number(stamped), 0);
    world.advance(&next, 120);
    drop(block_on(world.storage.rotate(world.rotation(&token, 200))));
    assert_eq!(world.database.number(stamped), 1);
}

#[test]
fn a_server_out_of_reach_is_named_without_its_password() {
    let url = DatabaseUrl::parse("postgres://ann:hunter2@127.0.0.1:1/renewd").unwrap();
    let error = Storage::open(&url, &options()).unwrap_err();
    assert!(matches!(error, OpenError::Unreachable { .. }), "{error:?}");
    let printed = format!("{error} {error:?}");
    assert!(printed.contains("ann@127.0.0.1:1/renewd"), "{printed}");
    assert!(!printed.contains("hunter2"), "{printed}");
}
