//! Refreshes on PostgreSQL share transactions, and nobody notices.

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
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::PgConnection;
use diesel::connection::SimpleConnection;
use pollster::block_on;
use storage_diesel::{Options, RotationStats};
use support::{TestDatabase, Token, World, at_once, granted, policy, policy_with};
use token_core::policy::SessionPolicy;
use token_core::session::{EndReason, Session};
use token_core::store::{EndSessionsOf, SessionStore, StoreError};
use token_core::time::Lifetime;
use token_core::token::rotation::{Refusal, Rotation, RotationOutcome};

/// A world whose batches one thread does, which waits for rows long enough, so that the batches can
/// be foreseen.
fn one_by_one() -> Option<World> {
    TestDatabase::postgres().map(|database| {
        World::with(database, |options| {
            options.postgres.rotation_connections = 1;
            options.postgres.rotation_lock_timeout = Duration::from_secs(10);
        })
    })
}

/// Every refresh rotates at once.
fn no_window() -> Arc<SessionPolicy> {
    policy_with(|policy| policy.replay_window = Lifetime::ZERO)
}

fn sessions(world: &World, count: usize) -> Vec<(Session, Token)> {
    let ann = world.user("ann");
    (0..count).map(|_| world.session(&ann)).collect()
}

/// Keeps a session's row locked until the connection ends its transaction.
fn lock(world: &World, session: &Session) -> PgConnection {
    let mut conn = world.database.postgres_connection();
    conn.batch_execute(&format!(
        "BEGIN; SELECT 1 FROM sessions WHERE id = '{}' FOR UPDATE",
        session.id
    ))
    .unwrap();
    conn
}

/// Waits until something waits for a lock.
fn wait_until_stalled(world: &World) {
    let waiting = "SELECT count(*) AS n FROM pg_stat_activity \
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let deadline = Instant::now() + Duration::from_secs(20);
    while world.database.number(waiting) == 0 {
        assert!(Instant::now() < deadline, "nothing waits");
    }
}

fn spent(before: RotationStats, after: RotationStats) -> (u64, u64, u64) {
    (
        after.rotations - before.rotations,
        after.transactions - before.transactions,
        after.statements - before.statements,
    )
}

/// Asks for all of it while the only thread that rotates is busy with something else, so that it
/// becomes one batch, and says what that took.
fn in_one_batch(
    world: &World,
    asked: impl Fn() -> Vec<Rotation>,
) -> (Vec<Result<RotationOutcome, StoreError>>, (u64, u64, u64)) {
    let bob = world.user("bob");
    let (session, token) = world.session(&bob);
    let mut locked = lock(world, &session);
    let first = world.storage.rotate(world.rotation(&token, 60));
    wait_until_stalled(world);
    let before = world.storage.rotation_stats();
    let answers: Vec<_> = asked()
        .into_iter()
        .map(|rotation| world.storage.rotate(rotation))
        .collect();
    locked.batch_execute("COMMIT").unwrap();
    block_on(first).unwrap();
    let answers = answers.into_iter().map(block_on).collect();
    let (rotations, transactions, statements) = spent(before, world.storage.rotation_stats());
    // The first one's three statements are told when it is over, and so is its heartbeat, which
    // does for the batch if that is of the same second.
    (answers, (rotations - 1, transactions - 1, statements - 4))
}

#[test]
fn a_batch_takes_three_statements_on_postgres() {
    let Some(world) = one_by_one() else { return };
    let sessions = sessions(&world, 100);
    let (answers, spent) = in_one_batch(&world, || {
        let asked = sessions.iter();
        asked.map(|(_, token)| world.rotation(token, 60)).collect()
    });
    assert_eq!(spent, (100, 1, 3), "begin, advance all, commit");
    for (answer, (session, token)) in answers.into_iter().zip(&sessions) {
        let answer = answer.unwrap();
        let ("advanced", Some(given)) = granted(&answer) else {
            panic!("{answer:?}");
        };
        let mut expected = session.clone();
        expected.generation = 1;
        expected.refresh_digest = token.next().secret.digest();
        expected.rotated_at = world.at(60);
        expected.expires_at = world.rotation(token, 60).new_idle_end().unwrap();
        assert_eq!(given.session, expected);
        assert_eq!(given.user.id, session.user_id);
        assert_eq!(world.stored(session.id), expected);
    }
}

/// However small its tables are, a batch finds its rows by their keys.
#[test]
fn no_batch_reads_a_table_as_a_whole_on_postgres() {
    const ROTATIONS: i64 = 60;
    let Some(world) = one_by_one() else { return };
    let (_, mut token) = world.session(&world.user("ann"));
    for n in 1..=ROTATIONS {
        let outcome = world.rotate_under(&no_window(), &token, n);
        assert_eq!(granted(&outcome).0, "advanced");
        token = token.next();
    }
    // A connection that ends tells what was read over it.
    world.storage.close();
    let scans = |kind: &str| {
        world.database.number(&format!(
            "SELECT sum({kind}_scan)::bigint AS n FROM pg_stat_user_tables \
             WHERE relname IN ('sessions', 'users')"
        ))
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    // The session to lock it, the session to write it, and the user.
    while scans("idx") < 3 * ROTATIONS {
        assert!(Instant::now() < deadline, "{} by key", scans("idx"));
    }
    assert!(scans("seq") < ROTATIONS, "{} as a whole", scans("seq"));
}

/// Retries, repeats, stolen and foreign tokens: one statement more, and one for each end and its
/// audit event.
#[test]
fn a_batch_decides_each_request_by_itself_on_postgres() {
    let Some(world) = one_by_one() else { return };
    let sessions = sessions(&world, 6);
    let token = |n: usize| sessions[n].1.clone();
    for n in 1..5 {
        world.advance(&token(n), 50);
    }
    world.advance(&token(4).next(), 90);
    let window = policy();
    let (answers, spent) = in_one_batch(&world, || {
        [
            (&window, token(0), 60),
            (&window, token(1), 60),
            (&window, token(2).next(), 60),
            // Late, and under a policy of its own.
            (&no_window(), token(3), 60),
            (&window, token(4), 100),
            (&window, token(5).next(), 60),
        ]
        .map(|(policy, token, seconds)| world.rotation_under(policy, &token, seconds))
        .into()
    });
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let names: Vec<_> = answers.iter().map(|answer| granted(answer).0).collect();
    assert_eq!(
        names,
        [
            "advanced", "replayed", "repeated", "refused", "refused", "refused"
        ]
    );
    assert!(matches!(
        answers[3],
        RotationOutcome::Refused(Refusal::Reused)
    ));
    assert!(matches!(
        answers[4],
        RotationOutcome::Refused(Refusal::Reused)
    ));
    assert!(matches!(
        answers[5],
        RotationOutcome::Refused(Refusal::StateLost)
    ));
    assert_eq!(spent, (6, 1, 4 + 3 * 2));
    for (n, reason) in [
        (0, None),
        (1, None),
        (2, None),
        (3, Some(EndReason::ReuseDetected)),
        (4, Some(EndReason::ReuseDetected)),
        (5, Some(EndReason::StateLost)),
    ] {
        assert_eq!(world.end_reason(sessions[n].0.id), reason, "{n}");
        assert_eq!(world.knows_ended(sessions[n].0.id), reason.is_some(), "{n}");
    }
    assert_eq!(world.audited("refresh_reused"), 2);
    assert_eq!(world.audited("state_lost"), 1);
}

/// A client's many retries in one batch: one write, and no statement for the others.
#[test]
fn the_same_request_many_times_is_one_write_on_postgres() {
    let Some(world) = one_by_one() else { return };
    let sessions = sessions(&world, 2);
    let (answers, spent) = in_one_batch(&world, || {
        let asked = (0..40).map(|n| &sessions[n % 2].1);
        asked.map(|token| world.rotation(token, 60)).collect()
    });
    assert_eq!(spent, (40, 1, 3));
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    for (n, answer) in answers.iter().enumerate() {
        let (name, given) = granted(answer);
        assert_eq!(name, if n < 2 { "advanced" } else { "replayed" });
        let next = sessions[n % 2].1.next();
        assert_eq!(given.unwrap().session.refresh_digest, next.secret.digest());
    }
}

/// Without a window the second of them is reuse, and the others find the session ended.
#[test]
fn requests_that_share_a_row_do_not_share_a_verdict_on_postgres() {
    let Some(world) = one_by_one() else { return };
    let sessions = sessions(&world, 1);
    let (answers, spent) = in_one_batch(&world, || {
        let asked = (0..4).map(|_| world.rotation_under(&no_window(), &sessions[0].1, 60));
        asked.collect()
    });
    let refusals: Vec<_> = answers
        .into_iter()
        .filter_map(|answer| match answer.unwrap() {
            RotationOutcome::Refused(refusal) => Some(refusal),
            _ => None,
        })
        .collect();
    let revoked = Refusal::Revoked(Some(EndReason::ReuseDetected));
    assert_eq!(refusals, [Refusal::Reused, revoked, revoked]);
    assert_eq!(spent, (4, 1, 3 + 2));
    assert!(world.knows_ended(sessions[0].0.id));
    assert_eq!(world.audited("refresh_reused"), 1);
}

/// The parent's retry is inside its window; after the newer token it would look stolen.
#[test]
fn the_older_token_of_a_session_goes_first_on_postgres() {
    let Some(world) = one_by_one() else { return };
    let sessions = sessions(&world, 1);
    let (session, parent) = &sessions[0];
    let current = world.advance(parent, 50);
    let (answers, spent) = in_one_batch(&world, || {
        vec![
            world.rotation(&current, 90),
            world.rotation(parent, 60),
            world.rotation(&current, 91),
            world.rotation(parent, 61),
        ]
    });
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let names: Vec<_> = answers.iter().map(|answer| granted(answer).0).collect();
    assert_eq!(names, ["advanced", "replayed", "replayed", "replayed"]);
    assert_eq!(spent, (4, 2, 4 + 3 + 1), "two batches, and a heartbeat");
    assert_eq!(world.stored(session.id).generation, 2);
}

/// One row that cannot be read: the others of its batch do not learn of it.
#[test]
fn a_damaged_row_fails_alone_on_postgres() {
    let Some(world) = one_by_one() else { return };
    let sessions = sessions(&world, 10);
    world.database.execute(&format!(
        "UPDATE sessions SET amr = 'nonsense' WHERE id = '{}'",
        sessions[3].0.id
    ));
    let (answers, _) = in_one_batch(&world, || {
        let asked = sessions.iter();
        asked.map(|(_, token)| world.rotation(token, 60)).collect()
    });
    for (n, answer) in answers.into_iter().enumerate() {
        match answer {
            Ok(answer) => assert!(granted(&answer).0 == "advanced" && n != 3),
            Err(StoreError::Damaged(what)) => assert!(what.contains("sessions.amr") && n == 3),
            Err(other) => panic!("{n}: {other}"),
        }
    }
    let written = "SELECT count(*) AS n FROM sessions WHERE generation = 1";
    assert_eq!(world.database.number(written), 9 + 1);
}

/// I4 and I7: where the commit fails, or nobody knows whether it did, nobody is told of success,
/// the process learns of no end, and the same requests succeed afterwards.
#[test]
fn a_failed_commit_is_nobodys_success_on_postgres() {
    for at_commit in [
        "RAISE EXCEPTION 'no'",
        "PERFORM pg_terminate_backend(pg_backend_pid())",
    ] {
        let Some(world) = one_by_one() else { return };
        let sessions = sessions(&world, 8);
        let reused = &sessions[0].1;
        world.advance(&world.advance(reused, 60), 120);
        world.database.execute(&format!(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN {at_commit}; RETURN NULL; END $$; \
             CREATE CONSTRAINT TRIGGER fail AFTER UPDATE ON sessions \
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.id = '{}') \
             EXECUTE FUNCTION fail()",
            sessions[5].0.id
        ));
        let ask = || -> Vec<Rotation> {
            let asked = sessions.iter();
            asked.map(|(_, token)| world.rotation(token, 180)).collect()
        };
        let (answers, _) = in_one_batch(&world, ask);
        for answer in answers {
            assert!(matches!(answer, Err(StoreError::Unavailable(_))));
        }
        assert!(!world.knows_ended(sessions[0].0.id));
        assert_eq!(world.end_reason(sessions[0].0.id), None);
        assert_eq!(world.stored(sessions[1].0.id), sessions[1].0);

        world.database.execute("DROP TRIGGER fail ON sessions");
        for (n, rotation) in ask().into_iter().enumerate() {
            let outcome = block_on(world.storage.rotate(rotation)).unwrap();
            let expected = if n == 0 { "refused" } else { "advanced" };
            assert_eq!(granted(&outcome).0, expected);
        }
        assert!(world.knows_ended(sessions[0].0.id));
    }
}

/// A row that somebody else keeps locked holds nobody up but those who want it.
#[test]
fn a_locked_row_stalls_nobody_else_on_postgres() {
    let Some(database) = TestDatabase::postgres() else {
        return;
    };
    let world = World::with(database, |options| {
        options.postgres.rotation_connections = 1;
    });
    let sessions = sessions(&world, 30);
    let mut locked = lock(&world, &sessions[7].0);
    let rotate = |n: usize| world.storage.rotate(world.rotation(&sessions[n].1, 60));
    let stalled: Vec<_> = (0..5).map(|_| rotate(7)).collect();
    let others: Vec<_> = (0..30).filter(|n| *n != 7).map(rotate).collect();
    for other in others {
        assert_eq!(granted(&block_on(other).unwrap()).0, "advanced");
    }
    assert_eq!(world.stored(sessions[7].0.id).generation, 0);
    locked.batch_execute("COMMIT").unwrap();
    let outcomes: Vec<_> = stalled.into_iter().map(|s| block_on(s).unwrap()).collect();
    let count = |name| outcomes.iter().filter(|o| granted(o).0 == name).count();
    assert_eq!((count("advanced"), count("replayed")), (1, 4));
}

/// I1, on two nodes: whatever meets in which batch, each token is advanced once, nothing
/// deadlocks, and a logout of everything among it waits its turn. The server looks for deadlocks
/// after a second, so nobody may give up before.
#[test]
fn batches_of_two_nodes_agree_on_postgres() {
    let patient = |options: &mut Options| {
        options.postgres.rotation_lock_timeout = Duration::from_secs(5);
    };
    let Some(database) = TestDatabase::postgres() else {
        return;
    };
    let world = World::with(database, patient);
    let (other, _) = world.another_with(patient);
    let nodes = [&world.storage, &other];
    let ann = world.user("ann");
    let sessions: Vec<_> = (0..24).map(|_| world.session(&ann)).collect();
    let mut tokens: Vec<Token> = sessions.iter().map(|(_, token)| token.clone()).collect();
    for round in 1..=10 {
        let advanced: Vec<AtomicU64> = tokens.iter().map(|_| AtomicU64::new(0)).collect();
        at_once(16, |thread| {
            let asked: Vec<_> = (0..tokens.len())
                .map(|n| {
                    if thread % 3 == 0 {
                        n
                    } else {
                        tokens.len() - 1 - n
                    }
                })
                .map(|n| {
                    let rotation = world.rotation(&tokens[n], round * 60);
                    (n, nodes[thread % 2].rotate(rotation))
                })
                .collect();
            for (n, answer) in asked {
                let outcome = block_on(answer).unwrap();
                let (name, given) = granted(&outcome);
                let next = tokens[n].next();
                assert_eq!(given.unwrap().session.refresh_digest, next.secret.digest());
                advanced[n].fetch_add(u64::from(name == "advanced"), Ordering::Relaxed);
            }
        });
        assert!(advanced.iter().all(|n| n.load(Ordering::Relaxed) == 1));
        tokens = tokens.iter().map(Token::next).collect();
    }
    at_once(9, |thread| {
        if thread == 4 {
            let end = EndSessionsOf {
                user_id: ann.id,
                except: None,
                reason: EndReason::LogoutAll,
                now: world.at(700),
            };
            assert_eq!(block_on(nodes[0].end_sessions_of(end)).unwrap(), 24);
            return;
        }
        let asked = tokens.iter().rev();
        let asked: Vec<_> = asked
            .map(|token| nodes[thread % 2].rotate(world.rotation(token, 700)))
            .collect();
        for answer in asked {
            block_on(answer).unwrap();
        }
    });
    let live = "SELECT count(*) AS n FROM sessions WHERE ended_at IS NULL";
    assert_eq!(world.database.number(live), 0);
    for node in nodes {
        node.close();
    }
    let deadlocks =
        "SELECT deadlocks AS n FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(world.database.number(deadlocks), 0);
}
