//! What PostgreSQL tells its nodes of its own accord, and what time it is.

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

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use pollster::block_on;
use storage_diesel::Storage;
use support::{TestDatabase, World};
use token_core::id::SessionId;
use token_core::session::EndReason;
use token_core::store::{EndSession, FeedCursor, FeedStore, KeyStore, SessionStore};
use token_core::time::{Clock, SystemClock, Timestamp};

fn world() -> Option<World> {
    TestDatabase::postgres().map(World::new)
}

fn end(world: &World, storage: &Storage, id: SessionId) {
    block_on(storage.end_session(EndSession {
        id,
        of_user: None,
        reason: EndReason::Logout,
        now: world.at(1),
    }))
    .unwrap();
}

/// Polls until something is so.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(1));
    }
}

fn is_told(storage: &Storage) -> bool {
    let changed = pin!(storage.changed());
    changed
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_ready()
}

/// Takes every hint that is there: the first is given when the storage starts to listen.
fn take_hints(storage: &Storage) {
    block_on(storage.changed());
    assert!(!is_told(storage));
}

#[test]
fn another_nodes_end_is_told_on_postgres() {
    let Some(world) = world() else { return };
    let (other, _) = world.another();
    let ann = world.user("ann");
    let (session, token) = world.session(&ann);
    take_hints(&other);
    world.advance(&token, 1);
    let mut cursor = block_on(other.ended_sessions(FeedCursor::START, world.at(-900)))
        .unwrap()
        .cursor;
    end(&world, &world.storage, session.id);
    block_on(other.changed());
    let page = block_on(other.ended_sessions(cursor, world.at(-900))).unwrap();
    assert_eq!(page.ended, [(session.id, world.at(1))]);
    cursor = page.cursor;

    // Also what is ended by hand, and not before its commit.
    let (session, _) = world.session(&ann);
    let mut slow = world.database.postgres_connection();
    slow.batch_execute(
        "BEGIN; UPDATE sessions SET ended_at = rotated_at, end_reason = 'admin' \
         WHERE ended_at IS NULL",
    )
    .unwrap();
    assert!(!is_told(&other));
    slow.batch_execute("COMMIT").unwrap();
    block_on(other.changed());
    let page = block_on(other.ended_sessions(cursor, world.at(-900))).unwrap();
    assert!(page.ended.contains(&(session.id, world.start)));
}

/// S33: a node that is told looks at its keys now rather than when their time has come; what is
/// told of sessions says nothing of keys, and the reverse.
#[test]
fn another_nodes_keys_are_told_on_postgres() {
    let Some(world) = world() else { return };
    let (other, _) = world.another();
    let keys_are_told = || {
        let changed = pin!(other.keys_changed());
        let mut context = Context::from_waker(Waker::noop());
        changed.poll(&mut context).is_ready()
    };
    take_hints(&other);
    block_on(other.keys_changed());
    assert!(!keys_are_told());

    let (session, _) = world.session(&world.user("ann"));
    end(&world, &world.storage, session.id);
    block_on(other.changed());
    assert!(!keys_are_told());

    let mut slow = world.database.postgres_connection();
    slow.batch_execute(
        "BEGIN; INSERT INTO keys (purpose, kid, alg, state, sealed, master_kid, created_at) \
         VALUES ('access', 'k', 'ES256', 'active', '\\x01', 'm', now())",
    )
    .unwrap();
    assert!(!keys_are_told(), "not before the commit");
    slow.batch_execute("COMMIT").unwrap();
    block_on(other.keys_changed());
    assert!(!is_told(&other));
}

/// Words that were lost with the connection are made up for when there is a new one.
#[test]
fn a_lost_connection_is_a_hint_on_postgres() {
    let Some(world) = world() else { return };
    let (session, _) = world.session(&world.user("ann"));
    take_hints(&world.storage);
    let first = block_on(
        world
            .storage
            .ended_sessions(FeedCursor::START, world.at(-900)),
    )
    .unwrap();
    world.database.execute(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid(); \
         UPDATE sessions SET ended_at = rotated_at, end_reason = 'admin' WHERE id = '{}'",
        session.id
    ));
    block_on(world.storage.changed());
    let page = block_on(world.storage.ended_sessions(first.cursor, world.at(-900))).unwrap();
    assert_eq!(page.ended, [(session.id, world.start)]);
    // And the new connection listens.
    let (another, _) = world.session(&world.user("bob"));
    end(&world, &world.storage, another.id);
    block_on(world.storage.changed());
}

/// From the acknowledged end on one node to the knowledge of it on another that waits for hints.
#[test]
fn other_nodes_know_at_once_on_postgres() {
    const ROUNDS: usize = 200;
    let Some(world) = world() else { return };
    let (other, known) = world.another();
    let ann = world.user("ann");
    let sessions: Vec<_> = (0..ROUNDS).map(|_| world.session(&ann).0.id).collect();
    let clock = SystemClock::default();
    let mut took: Vec<Duration> = thread::scope(|scope| {
        scope.spawn(|| {
            let mut cursor = FeedCursor::START;
            while known.len() < ROUNDS {
                block_on(other.changed());
                let page = block_on(other.ended_sessions(cursor, world.at(-900))).unwrap();
                for (id, at) in page.ended {
                    known.insert(id, at, world.at(1), clock.monotonic());
                }
                cursor = page.cursor;
            }
        });
        let ended = sessions.iter().enumerate().map(|(n, id)| {
            end(&world, &world.storage, *id);
            let acknowledged = Instant::now();
            until("the other node does not know", || known.len() > n);
            acknowledged.elapsed()
        });
        ended.collect()
    });
    took.sort();
    println!(
        "median {:?}, p99 {:?}",
        took[ROUNDS / 2],
        took[ROUNDS * 99 / 100]
    );
    assert!(took[ROUNDS / 2] < Duration::from_millis(100), "{took:?}");
}

/// A clock that is wrong by so many seconds.
struct WrongClock(SystemClock, Arc<AtomicI64>);

impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        let wrong = self.1.load(Ordering::Relaxed) * 1_000_000;
        Timestamp::from_micros(self.0.now().as_micros() + wrong)
    }

    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }
}

#[test]
fn the_servers_clock_rules_on_postgres() {
    let Some(database) = TestDatabase::postgres() else {
        return;
    };
    let wrong = Arc::new(AtomicI64::new(3));
    let world = World::with(database, |options| {
        options.clock = Arc::new(WrongClock(SystemClock::default(), Arc::clone(&wrong)));
    });
    let right = SystemClock::default();
    let offset = world.storage.clock_offset();
    let is_right = || {
        let here = world.storage.clock().now();
        here.distance(right.now()) < Duration::from_millis(500)
    };
    assert!(is_right(), "from the start");
    assert!(offset.distance() > Duration::from_millis(2_500) && offset.as_micros() < 0);
    block_on(world.storage.ping()).unwrap();

    wrong.store(-7, Ordering::Relaxed);
    until("a clock that was set is noticed", is_right);
    assert!(offset.as_micros() > 6_500_000);
    let error = block_on(world.storage.ping()).unwrap_err();
    assert!(error.to_string().contains("clock"), "{error}");

    wrong.store(0, Ordering::Relaxed);
    until("a clock that was set right is noticed", is_right);
    block_on(world.storage.ping()).unwrap();
}

#[test]
fn sqlite_has_this_machines_time_and_tells_nothing() {
    let world = World::new(TestDatabase::sqlite());
    assert_eq!(world.storage.clock_offset().as_micros(), 0);
    assert!(!is_told(&world.storage));
}
