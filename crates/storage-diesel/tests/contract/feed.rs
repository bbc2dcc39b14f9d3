//! What a process learns of the work of others.

use std::time::{Duration, Instant};

use pollster::block_on;
use token_core::id::SessionId;
use token_core::session::{EndReason, Session};
use token_core::store::{EndSession, FeedCursor, FeedPage, FeedStore, SessionStore};
use token_core::time::Timestamp;

use storage_diesel::Storage;

use crate::support::World;

fn end(world: &World, storage: &Storage, session: &Session, seconds: i64) {
    block_on(storage.end_session(EndSession {
        id: session.id,
        of_user: None,
        reason: EndReason::Logout,
        now: world.at(seconds),
    }))
    .unwrap();
}

fn poll(world: &World, storage: &Storage, cursor: FeedCursor) -> FeedPage {
    block_on(storage.ended_sessions(cursor, world.at(-900))).unwrap()
}

fn ids(page: &FeedPage) -> Vec<SessionId> {
    page.ended.iter().map(|(id, _)| *id).collect()
}

pub fn the_first_page_has_the_retention_window(world: &World) {
    let ann = world.user("ann");
    let (old, _) = world.session_at(&ann, -2_000);
    let (recent, _) = world.session_at(&ann, -2_000);
    world.session(&ann);
    end(world, &world.storage, &old, -901);
    end(world, &world.storage, &recent, -900);
    let page = poll(world, &world.storage, FeedCursor::START);
    assert_eq!(page.ended, [(recent.id, world.at(-900))]);
    assert_ne!(page.cursor, FeedCursor::START);
}

pub fn what_another_process_ends_is_in_the_feed(world: &World) {
    let ann = world.user("ann");
    let (mine, _) = world.session(&ann);
    let (theirs, _) = world.session(&ann);
    let (other, _) = world.another();
    let mut cursor = poll(world, &world.storage, FeedCursor::START).cursor;
    let mut others = poll(world, &other, FeedCursor::START).cursor;
    end(world, &other, &theirs, 1);
    end(world, &world.storage, &mine, 2);
    let page = poll(world, &world.storage, cursor);
    assert!(ids(&page).contains(&theirs.id));
    cursor = page.cursor;
    let page = poll(world, &other, others);
    assert!(ids(&page).contains(&mine.id));
    others = page.cursor;

    let (last, _) = world.session(&ann);
    world.database.execute(
        "UPDATE sessions SET ended_at = rotated_at, end_reason = 'admin' WHERE ended_at IS NULL",
    );
    for (storage, cursor) in [(&world.storage, cursor), (&other, others)] {
        let page = poll(world, storage, cursor);
        assert!(ids(&page).contains(&last.id), "also what is ended by hand");
    }
}

pub fn a_quiet_database_has_an_empty_feed(world: &World) {
    let ann = world.user("ann");
    let (session, token) = world.session(&ann);
    end(world, &world.storage, &world.session(&ann).0, 1);
    let first = poll(world, &world.storage, FeedCursor::START);
    assert_eq!(first.ended.len(), 1);
    let second = poll_until_quiet(world, first.cursor);
    world.advance(&token, 60);
    poll_until_quiet(world, second);
    assert!(world.stored(session.id).ended.is_none());
}

/// A transaction that runs elsewhere on the same PostgreSQL server makes pages overlap until it is
/// over, so an empty one may be some polls away.
fn poll_until_quiet(world: &World, mut cursor: FeedCursor) -> FeedCursor {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let page = poll(world, &world.storage, cursor);
        if page.ended.is_empty() {
            return page.cursor;
        }
        assert!(page.ended.len() == 1 && Instant::now() < deadline);
        cursor = page.cursor;
    }
}

fn heartbeat(storage: &Storage) -> Option<Timestamp> {
    block_on(storage.heartbeat()).unwrap()
}

pub fn the_heart_beats_when_a_token_is_made(world: &World) {
    let last = || heartbeat(&world.storage);
    let ann = world.user("ann");
    assert_eq!(last(), None);
    let (session, token) = world.session(&ann);
    assert_eq!(last(), Some(world.at(0)), "a login");
    let next = world.advance(&token, 60);
    assert_eq!(last(), Some(world.at(60)), "a rotation");
    world.rotate(&token, 63);
    end(world, &world.storage, &session, 64);
    world.rotate(&next, 65);
    assert_eq!(last(), Some(world.at(60)), "nothing new was made");
    world.session_at(&ann, 60);
    assert_eq!(last(), Some(world.at(60)), "once in a second");
    world.session_at(&ann, 61);
    assert_eq!(last(), Some(world.at(61)));
    world.session_at(&ann, 10);
    assert_eq!(last(), Some(world.at(10)), "the clock was set back");
}

pub fn all_nodes_have_one_heart(world: &World) {
    let ann = world.user("ann");
    let (_, token) = world.session(&ann);
    let (other, _) = world.another();
    assert_eq!(heartbeat(&other), Some(world.at(0)));
    block_on(other.rotate(world.rotation(&token, 60))).unwrap();
    assert_eq!(heartbeat(&world.storage), Some(world.at(60)));
}

/// A database of an older schema beats on from its newest session.
pub fn the_heart_begins_with_the_newest_session(world: &World) {
    let ann = world.user("ann");
    for seconds in [10, 60, 30] {
        world.session_at(&ann, seconds);
    }
    world.database.execute(
        "DROP TABLE heartbeat; \
         DELETE FROM __diesel_schema_migrations WHERE version = '00000000000007'",
    );
    let (migrated, _) = world.another();
    assert_eq!(heartbeat(&migrated), Some(world.at(60)));
}

pub fn a_ping_reaches_the_writer(world: &World) {
    let before = world.storage.commit_stats();
    block_on(world.storage.ping()).unwrap();
    let after = world.storage.commit_stats();
    assert_eq!(after.units, before.units + 1);
    world.storage.close();
    let error = block_on(world.storage.ping()).unwrap_err();
    assert!(error.to_string().contains("closed"), "{error}");
}

/// A clean shutdown commits what was queued and answers for it.
pub fn closing_loses_no_commit(world: &World) {
    let ann = world.user("ann");
    let sessions: Vec<_> = (0..50).map(|n| world.session_at(&ann, n).0).collect();
    let asked: Vec<_> = sessions
        .iter()
        .map(|session| {
            world.storage.end_session(EndSession {
                id: session.id,
                of_user: None,
                reason: EndReason::Logout,
                now: world.at(60),
            })
        })
        .collect();
    world.storage.close();
    for answer in asked {
        block_on(answer).unwrap();
    }
    let (again, _) = world.another();
    let page = block_on(again.ended_sessions(FeedCursor::START, world.start)).unwrap();
    assert_eq!(page.ended.len(), 50);
}
