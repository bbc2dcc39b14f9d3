//! Status lists: places of sessions, and which of them have ended.

use std::collections::HashSet;

use pollster::block_on;
use token_core::id::SessionId;
use token_core::session::{EndReason, Session};
use token_core::store::{EndSession, OpenOutcome, SessionStore, StatusListPage};
use token_core::token::status_list::{PLACES, StatusPlace};

use crate::support::{World, at_once, open_session};

fn place(world: &World, id: SessionId) -> StatusPlace {
    world.stored(id).status.expect("a place")
}

fn page(world: &World, list: u32, seconds: i64) -> StatusListPage {
    block_on(world.storage.status_list(list, world.at(seconds))).unwrap()
}

fn end(world: &World, session: &Session, seconds: i64) {
    let end = EndSession {
        id: session.id,
        of_user: None,
        reason: EndReason::Logout,
        now: world.at(seconds),
    };
    block_on(world.storage.end_session(end)).unwrap();
}

/// Two hundred at once, none where another is, and nothing to be told from the order.
pub fn every_session_has_a_place_of_its_own(world: &World) {
    let users: Vec<_> = (0..20).map(|n| world.user(&format!("user{n}"))).collect();
    let places: Vec<StatusPlace> = at_once(20, |n| {
        let open = |second| {
            let (session, _) = world.new_session(&users[n], second);
            let OpenOutcome::Opened(_, told) = world.open(open_session(&session, &users[n])) else {
                panic!("refused");
            };
            assert_eq!(told, place(world, session.id), "what is told is stored");
            told
        };
        (0..10).map(open).collect::<Vec<_>>()
    })
    .concat();
    assert_eq!(places.iter().collect::<HashSet<_>>().len(), 200);
    assert!(
        places
            .iter()
            .all(|place| place.list == 0 && place.index < PLACES)
    );

    let user = world.user("ann");
    let in_a_row = (0..100).map(|_| place(world, world.session(&user).0.id).index);
    let in_a_row: Vec<u32> = in_a_row.collect();
    let ups = in_a_row.windows(2).filter(|pair| pair[0] < pair[1]).count();
    // 49.5 on average, with a deviation of 2.9.
    assert!((20..80).contains(&ups), "{in_a_row:?}");
    let near = in_a_row
        .windows(2)
        .filter(|pair| pair[0].abs_diff(pair[1]) < 1_000);
    assert!(near.count() < 20, "{in_a_row:?}");
}

/// A list from which a quarter is taken is left alone, and the next one begun.
pub fn a_quarter_of_a_list_is_handed_out(world: &World) {
    let ann = world.user("ann");
    let (session, _) = world.session(&ann);
    let columns = "client_id, scope, generation, refresh_digest, refresh_kid, rotated_at, \
        created_at, authenticated_at, expires_at, max_expires_at, transport, remember, amr";
    let id = if world.database.url().starts_with("sqlite") {
        "randomblob(16)"
    } else {
        "gen_random_uuid()"
    };
    // Every fourth place, but for the one that is taken.
    world.database.execute(&format!(
        "WITH RECURSIVE places (place) AS \
         (SELECT 0 UNION ALL SELECT place + 4 FROM places WHERE place < 127996) \
         INSERT INTO sessions (id, user_id, {columns}, status_list, status_index) \
         SELECT {id}, {id}, {columns}, 0, place FROM sessions CROSS JOIN places \
         WHERE place <> status_index"
    ));
    let count = |list| {
        let of = format!("SELECT count(*) AS n FROM sessions WHERE status_list = {list}");
        world.database.number(&of)
    };
    assert!((32_000..=32_001).contains(&count(0)), "{}", count(0));
    for _ in 0..1_200 {
        world.session(&ann);
    }
    assert!(count(0) >= 32_768 - 256, "{}", count(0));
    assert!(count(0) <= 32_768, "{}", count(0));
    assert!(count(1) > 400, "{}", count(1));
    assert_eq!(page(world, 0, 0).highest, Some(1));
    assert_eq!(world.stored(session.id).status.unwrap().list, 0);
}

pub fn a_list_tells_which_sessions_ended_lately(world: &World) {
    assert_eq!(page(world, 0, 0).highest, None);
    let ann = world.user("ann");
    let sessions: Vec<_> = (0..5).map(|_| world.session(&ann).0).collect();
    let empty = page(world, 0, 0);
    assert_eq!((empty.highest, empty.ended), (Some(0), vec![]));
    end(world, &sessions[1], 10);
    end(world, &sessions[3], 20);
    let index = |n: usize| place(world, sessions[n].id).index;
    let mut ended = page(world, 0, 10).ended;
    ended.sort_unstable();
    let mut expected = [index(1), index(3)];
    expected.sort_unstable();
    assert_eq!(ended, expected);
    assert_eq!(
        page(world, 0, 11).ended,
        [index(3)],
        "the other is forgotten"
    );
    for beyond in [1, u32::MAX] {
        let page = page(world, beyond, 0);
        assert_eq!((page.highest, page.ended), (Some(0), vec![]), "{beyond}");
    }
}

/// As sessions are that an older version opened.
pub fn a_session_may_have_no_place(world: &World) {
    let ann = world.user("ann");
    let (session, token) = world.session(&ann);
    world
        .database
        .execute("UPDATE sessions SET status_list = NULL, status_index = NULL");
    assert_eq!(world.stored(session.id).status, None);
    world.advance(&token, 40);
    let other = world.session(&ann).0;
    assert_eq!(place(world, other.id).list, 0);
    end(world, &session, 50);
    assert!(page(world, 0, 0).ended.is_empty());
}

/// What is in the way of a session may be something else than its place.
pub fn one_session_is_not_opened_twice(world: &World) {
    let ann = world.user("ann");
    let (session, _) = world.session(&ann);
    let again = block_on(world.storage.open_session(open_session(&session, &ann)));
    assert!(again.is_err());
    assert_eq!(
        world.database.number("SELECT count(*) AS n FROM sessions"),
        1
    );
}
