//! What only a SQLite file can do: be missing, be something else, be locked, be full.

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
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use pollster::block_on;
use storage_diesel::{DatabaseUrl, OpenError, Options, Storage};
use support::{TestDatabase, World, at_once};
use token_core::id::AuditId;
use token_core::random::SystemEntropy;
use token_core::revocation::{Freshness, RevocationSet, WhenStale};
use token_core::session::EndReason;
use token_core::store::{
    AuditEvent, AuditKind, EndSession, FeedStore, SessionStore, StoreError, UserStore,
};
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

fn open(path: &std::path::Path, options: &Options) -> Result<Storage, OpenError> {
    let url = DatabaseUrl::parse(&format!("sqlite://{}", path.display())).unwrap();
    Storage::open(&url, options)
}

fn event(world: &World, bytes: usize) -> AuditEvent {
    AuditEvent {
        id: AuditId::generate(world.start, &SystemEntropy::default()),
        at: world.start,
        kind: AuditKind::ReplayedElsewhere,
        user_id: None,
        session_id: None,
        detail: "x".repeat(bytes),
    }
}

fn assert_unavailable(error: &StoreError) {
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[test]
fn what_cannot_be_opened_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let error = |name: &str, options: &Options| open(&path.join(name), options).unwrap_err();

    let missing = error("no/renewd.db", &options());
    assert!(matches!(missing, OpenError::DirectoryMissing(_)));
    assert!(missing.to_string().contains("create it"), "{missing}");

    std::fs::write(path.join("text"), "once upon a time ".repeat(1_000)).unwrap();
    let other = error("text", &options());
    assert!(matches!(other, OpenError::NotADatabase(_)), "{other:?}");

    std::fs::create_dir(path.join("directory")).unwrap();
    let unwritable = error("directory", &options());
    assert!(
        matches!(unwritable, OpenError::Unwritable { .. }),
        "{unwritable:?}"
    );

    let mut no_migrations = options();
    no_migrations.migrate = false;
    let none = error("none.db", &no_migrations);
    assert!(matches!(none, OpenError::Missing(_)), "{none:?}");
    assert!(!path.join("none.db").exists(), "nothing is made");
}

#[test]
fn a_schema_of_another_age_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("renewd.db");
    let url = DatabaseUrl::parse(&format!("sqlite://{}", path.display())).unwrap();
    std::fs::write(&path, "").unwrap();
    let mut no_migrations = options();
    no_migrations.migrate = false;
    let status = Storage::migration_status(&url).unwrap();
    assert!(!status.is_current() && status.migrations.iter().all(|m| !m.applied));
    let older = open(&path, &no_migrations).unwrap_err();
    assert!(
        matches!(older, OpenError::Older { missing, .. } if missing >= 1),
        "{older:?}"
    );

    let names = Storage::migrate(&url).unwrap();
    assert_eq!(names.len(), status.migrations.len());
    assert!(Storage::migrate(&url).unwrap().is_empty());
    assert!(Storage::migration_status(&url).unwrap().is_current());
    open(&path, &no_migrations).unwrap();

    let mut conn =
        <diesel::SqliteConnection as diesel::Connection>::establish(path.to_str().unwrap())
            .unwrap();
    conn.batch_execute(
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('99999999999999')",
    )
    .unwrap();
    assert_eq!(
        Storage::migration_status(&url).unwrap().unknown,
        ["99999999999999"]
    );
    let newer = open(&path, &options()).unwrap_err();
    assert!(matches!(&newer, OpenError::Newer(version) if version == "99999999999999"));
}

#[test]
fn processes_that_start_at_once_migrate_once() {
    for _ in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("renewd.db");
        at_once(6, |_| drop(open(&path, &options()).unwrap()));
    }
}

/// S35
#[cfg(unix)]
#[test]
fn the_files_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new(TestDatabase::sqlite());
    world.user("ann");
    let directory = world.database.path();
    let directory = directory.parent().unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600
        );
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["renewd.db", "renewd.db-shm", "renewd.db-wal"]);
}

/// Whoever puts another file in its place after a stop does not leave a log of the old one beside
/// it, which SQLite would apply to the new one. Connections that close at the same moment each take
/// another for the last.
#[test]
fn a_closed_storage_is_one_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("renewd.db");
    for _ in 0..100 {
        let storage = open(&path, &options()).unwrap();
        assert_eq!(block_on(storage.users(None, 1)).unwrap(), []);
        storage.close();
        let names: Vec<_> = std::fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["renewd.db"]);
    }
}

/// The path is taken literally, and a relative one is fixed when the storage is opened.
#[test]
fn a_path_may_have_any_character() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file:a b%41#ü.db");
    let storage = open(&path, &options()).unwrap();
    block_on(storage.ping()).unwrap();
    assert!(path.exists());
}

#[test]
fn work_that_arrives_together_shares_a_commit() {
    let world = World::new(TestDatabase::sqlite());
    let before = world.storage.commit_stats();
    let mut other = world.database.sqlite_connection();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let asked: Vec<_> = (0..200)
        .map(|_| world.storage.record(event(&world, 10)))
        .collect();
    other.batch_execute("COMMIT").unwrap();
    for answer in asked {
        block_on(answer).unwrap();
    }
    let after = world.storage.commit_stats();
    assert_eq!(after.units - before.units, 200);
    assert!(after.commits - before.commits <= 3, "{before:?} {after:?}");
}

/// Another process holds the write lock for longer than anybody waits.
#[test]
fn a_locked_file_fails_the_whole_batch_and_recovers() {
    let world = World::with(TestDatabase::sqlite(), |options| {
        options.sqlite.busy_timeout = Duration::from_millis(50);
    });
    let ann = world.user("ann");
    let (session, token) = world.session(&ann);
    let mut other = world.database.sqlite_connection();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let asked: Vec<_> = (0..20)
        .map(|n| world.storage.rotate(world.rotation(&token, 60 + n)))
        .collect();
    for answer in asked {
        assert_unavailable(&block_on(answer).unwrap_err());
    }
    assert_unavailable(&block_on(world.storage.ping()).unwrap_err());
    let found = block_on(world.storage.user(ann.id)).unwrap();
    assert_eq!(found, Some(ann), "who only reads does not notice");
    other.batch_execute("COMMIT").unwrap();
    assert_eq!(world.stored(session.id), session);
    world.advance(&token, 120);
}

/// I7: a full disk undoes the whole transaction, and nobody in it is told otherwise.
#[test]
fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let world = World::with(TestDatabase::sqlite(), |options| {
        options.sqlite.max_pages = Some(120);
    });
    let ann = world.user("ann");
    let (session, token) = world.session(&ann);
    let mut acknowledged = 0;
    let mut refused = 0;
    while refused == 0 {
        let mut other = world.database.sqlite_connection();
        other.batch_execute("BEGIN IMMEDIATE").unwrap();
        let asked: Vec<_> = (0..20)
            .map(|n| {
                let bytes = if n == 10 { 60_000 } else { 10 };
                world.storage.record(event(&world, bytes))
            })
            .collect();
        other.batch_execute("COMMIT").unwrap();
        for answer in asked {
            match block_on(answer) {
                Ok(()) => acknowledged += 1,
                Err(error) => {
                    assert_unavailable(&error);
                    refused += 1;
                }
            }
        }
    }
    assert!(
        refused > 1,
        "it takes all with it that shared the transaction"
    );
    assert_eq!(world.audited("replayed_elsewhere"), acknowledged);
    assert_eq!(world.stored(session.id), session);

    world.database.execute("DELETE FROM audit_events");
    world.advance(&token, 60);
    block_on(world.storage.record(event(&world, 10_000))).unwrap();
}

/// I4: nothing is acknowledged on a file that is gone; no empty one takes its place, and its
/// return is noticed.
#[test]
fn a_vanished_file_is_unavailable_until_it_is_back() {
    let world = World::new(TestDatabase::sqlite());
    let ann = world.user("ann");
    let path = world.database.path();
    let aside = path.with_extension("aside");
    world.database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    std::fs::rename(&path, &aside).unwrap();
    let error = block_on(world.storage.ping()).unwrap_err();
    assert!(
        error.to_string().contains("there is no database"),
        "{error}"
    );
    assert_unavailable(&block_on(world.storage.user(ann.id)).unwrap_err());
    assert!(!path.exists());
    std::fs::rename(&aside, &path).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while block_on(world.storage.ping()).is_err() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What this process ends does not make it read the feed again; after the connection was lost, it
/// reads again rather than trust a version that began anew.
#[test]
fn the_feed_is_read_only_when_somebody_else_wrote() {
    let world = World::with(TestDatabase::sqlite(), |options| {
        options.sqlite.busy_timeout = Duration::from_millis(50);
    });
    let ann = world.user("ann");
    let start = token_core::store::FeedCursor::START;
    let poll = |cursor| block_on(world.storage.ended_sessions(cursor, world.at(-900))).unwrap();
    let first = poll(start).cursor;
    let (session, _) = world.session(&ann);
    block_on(world.storage.end_session(EndSession {
        id: session.id,
        of_user: None,
        reason: EndReason::Logout,
        now: world.at(1),
    }))
    .unwrap();
    let second = poll(first);
    assert_eq!((second.cursor, second.ended.len()), (first, 0));

    let mut other = world.database.sqlite_connection();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    assert_unavailable(&block_on(world.storage.ping()).unwrap_err());
    other.batch_execute("ROLLBACK").unwrap();
    let third = poll(second.cursor);
    assert_ne!(third.cursor, first);
    assert_eq!(third.ended, [(session.id, world.at(1))]);
}
