//! Many refreshes at once on PostgreSQL. Alone, because whatever keeps a transaction open meanwhile,
//! in any database of the server, keeps it from reusing room: not least making and dropping one.

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

use std::time::{Duration, Instant};

use storage_diesel::Options;
use support::{TestDatabase, Token, World, at_once, granted, policy_with};
use token_core::time::Lifetime;

/// How many clients refresh at once, each when its last answer has come, how many sessions each
/// has, and how often it refreshes.
const CLIENTS: usize = 64;
const SESSIONS: usize = 30;
const REFRESHES: usize = 100;

fn open_sessions(world: &World) -> Vec<Vec<Token>> {
    at_once(CLIENTS, |n| {
        let user = world.user(&format!("user{n}"));
        let sessions = (0..SESSIONS).map(|_| world.session(&user).1);
        sessions.collect()
    })
}

fn refresh_all(world: &World, clients: &[Vec<Token>]) {
    // Every refresh rotates at once.
    let no_window = policy_with(|policy| policy.replay_window = Lifetime::ZERO);
    at_once(CLIENTS, |n| {
        let mut tokens = clients[n].clone();
        for turn in 0..REFRESHES {
            // What was opened at the same time, and so is on one page, takes turns.
            let token = &mut tokens[(turn + n) % SESSIONS];
            let outcome = world.rotate_under(&no_window, token, 60);
            assert_eq!(granted(&outcome).0, "advanced");
            *token = token.next();
        }
    });
}

/// Refreshes share their statements; their updates write no index and find room on their own pages.
/// How many go together depends here on how fast the machine's other work lets these threads come
/// back: that it is less than a fifth of a statement for each, where statements are what takes
/// the time, is asserted end to end.
#[test]
fn concurrent_refreshes_are_cheap_on_postgres() {
    // One connection: where there are two and one is held up in its transaction, the other one's pages
    // fill up meanwhile, how far is the machine's doing.
    let one = |options: &mut Options| options.postgres.rotation_connections = 1;
    let Some(world) = TestDatabase::postgres().map(|database| World::with(database, one)) else {
        return;
    };
    let clients = open_sessions(&world);
    let before = world.storage.rotation_stats();
    let started = Instant::now();
    refresh_all(&world, &clients);
    let took = started.elapsed();
    let after = world.storage.rotation_stats();
    let rotations = after.rotations - before.rotations;
    let statements = after.statements - before.statements;
    println!("{statements} statements for {rotations} refreshes in {took:?}");
    assert_eq!(rotations, u64::try_from(CLIENTS * REFRESHES).unwrap());
    assert!(statements * 2 < rotations, "{statements} of {rotations}");

    // What a backend has counted is certainly known when it is gone.
    world.storage.close();
    let updates = |column| {
        world.database.number(&format!(
            "SELECT {column} AS n FROM pg_stat_user_tables WHERE relname = 'sessions'"
        ))
    };
    let all = i64::try_from(CLIENTS * REFRESHES).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while updates("n_tup_upd") < all {
        assert!(Instant::now() < deadline, "the statistics do not arrive");
    }
    let hot = updates("n_tup_hot_upd");
    println!("{hot} of {all} updates were heap-only");
    assert!(hot * 100 >= all * 95, "{hot} of {all}");
}
