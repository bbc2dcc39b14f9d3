//! Rotations that give tokens.

use std::collections::BTreeMap;
use std::time::Duration;

use pollster::block_on;
use token_core::policy::{RefreshPolicy, ReusePolicy};
use token_core::session::EndReason;
use token_core::store::SessionStore;
use token_core::time::{Lifetime, Timestamp};
use token_core::token::rotation::{Refusal, RotationOutcome};

use crate::support::{IDLE, Token, World, at_once, granted, policy_with};

pub fn a_current_token_advances_its_session(world: &World) {
    let ann = world.user("ann");
    let (session, token) = world.session(&ann);
    let outcome = world.rotate(&token, 60);
    let ("advanced", Some(given)) = granted(&outcome) else {
        panic!("{outcome:?}");
    };
    assert_eq!(given.user, ann);
    let next = token.next();
    let mut expected = session;
    expected.generation = 1;
    expected.refresh_digest = next.secret.digest();
    expected.rotated_at = world.at(60);
    expected.expires_at = world.rotation(&token, 60).new_idle_end().unwrap();
    assert_eq!(given.session, expected);
    assert_eq!(world.stored(expected.id), expected);
    let third = world.advance(&world.advance(&next, 120), 180);
    assert_eq!(
        world.stored(expected.id).refresh_digest,
        third.secret.digest()
    );
}

/// The first generation rotates at once; later ones are repeated within the window.
pub fn a_repeated_token_stays_current(world: &World) {
    let (session, token) = world.session(&world.user("ann"));
    let next = world.advance(&token, 1);
    for seconds in [1, 15, 31, -29] {
        let outcome = world.rotate(&next, seconds);
        let ("repeated", Some(given)) = granted(&outcome) else {
            panic!("{seconds}: {outcome:?}");
        };
        assert_eq!(given.session.refresh_digest, next.secret.digest());
        assert_eq!(
            world.stored(session.id).rotated_at,
            world.at(1),
            "nothing is written"
        );
    }
    world.advance(&next, 32);
}

pub fn a_lost_answer_is_given_again(world: &World) {
    let (session, token) = world.session(&world.user("ann"));
    let next = world.advance(&token, 100);
    for seconds in [100, 115, 130, 70] {
        let outcome = world.rotate(&token, seconds);
        let ("replayed", Some(given)) = granted(&outcome) else {
            panic!("{seconds}: {outcome:?}");
        };
        assert_eq!(given.session.refresh_digest, next.secret.digest());
    }
    assert_eq!(
        world.stored(session.id).rotated_at,
        world.at(100),
        "the window does not move"
    );
    assert_eq!(granted(&world.rotate(&token, 131)).0, "refused");
}

/// I1: whoever is first, all have one successor, and nobody is logged out.
pub fn a_hundred_at_once_have_one_successor(world: &World) {
    let (session, token) = world.session(&world.user("ann"));
    let outcomes = at_once(100, |_| world.rotate(&token, 60));
    let mut counts = BTreeMap::new();
    for outcome in &outcomes {
        let (name, given) = granted(outcome);
        *counts.entry(name).or_insert(0) += 1;
        assert_eq!(
            given.unwrap().session.refresh_digest,
            token.next().secret.digest()
        );
    }
    assert_eq!(counts, BTreeMap::from([("advanced", 1), ("replayed", 99)]));
    assert_eq!(world.stored(session.id).generation, 1);

    let outcomes = at_once(100, |n| {
        let token = if n % 2 == 0 {
            token.clone()
        } else {
            token.next()
        };
        world.rotate(&token, 200)
    });
    assert!(
        outcomes.iter().any(|o| granted(o).0 == "refused"),
        "the parent comes long after its window"
    );
    assert_eq!(world.end_reason(session.id), Some(EndReason::ReuseDetected));
}

/// The edges belong to the window, on both sides, and nothing beyond them does.
pub fn the_window_ends_to_the_microsecond(world: &World) {
    const MADE: i64 = 100_000_000;
    const EDGE: i64 = 30_000_000;
    let rotate = |token: &Token, micros: i64| {
        let mut rotation = world.rotation(token, 0);
        rotation.now = Timestamp::from_micros(world.start.as_micros() + micros);
        block_on(world.storage.rotate(rotation)).unwrap()
    };
    let ann = world.user("ann");
    let (session, token) = world.session(&ann);
    let next = world.advance(&token, 100);
    for edge in [MADE - EDGE, MADE + EDGE] {
        assert_eq!(granted(&rotate(&token, edge)).0, "replayed", "{edge}");
        assert_eq!(granted(&rotate(&next, edge)).0, "repeated", "{edge}");
    }
    assert_eq!(world.stored(session.id).rotated_at, world.at(100));
    for beyond in [MADE - EDGE - 1, MADE + EDGE + 1] {
        let (session, token) = world.session(&ann);
        world.advance(&token, 100);
        let outcome = rotate(&token, beyond);
        let reused = matches!(outcome, RotationOutcome::Refused(Refusal::Reused));
        assert!(reused, "{beyond}: {outcome:?}");
        assert_eq!(world.end_reason(session.id), Some(EndReason::ReuseDetected));
        let (_, token) = world.session(&ann);
        let next = world.advance(&token, 100);
        assert_eq!(granted(&rotate(&next, beyond)).0, "advanced", "{beyond}");
    }
    assert_eq!(world.audited("refresh_reused"), 2);
}

pub fn without_a_window_every_token_counts_once(world: &World) {
    let policy = policy_with(|policy| policy.replay_window = Lifetime::ZERO);
    let ann = world.user("ann");
    let (session, mut token) = world.session(&ann);
    for _ in 0..5 {
        let outcome = world.rotate_under(&policy, &token, 1);
        assert_eq!(granted(&outcome).0, "advanced", "{outcome:?}");
        token = token.next();
    }
    let outcomes = at_once(30, |_| world.rotate_under(&policy, &token, 1));
    let count = |name| outcomes.iter().filter(|o| granted(o).0 == name).count();
    assert_eq!((count("advanced"), count("refused")), (1, 29));
    assert_eq!(world.end_reason(session.id), Some(EndReason::ReuseDetected));
    let reused = |o: &&RotationOutcome| matches!(o, RotationOutcome::Refused(Refusal::Reused));
    assert_eq!(
        outcomes.iter().filter(reused).count(),
        1,
        "the others find it ended"
    );
}

pub fn a_clock_that_was_set_back_does_not_stall_a_session(world: &World) {
    let (session, token) = world.session(&world.user("ann"));
    let next = world.advance(&token, 1_000);
    world.advance(&next, 969);
    assert_eq!(world.stored(session.id).rotated_at, world.at(969));
}

pub fn sliding_sessions_slide_up_to_their_absolute_end(world: &World) {
    let (session, mut token) = world.session(&world.user("ann"));
    let hour = i64::try_from(IDLE.as_secs()).unwrap();
    for n in 1..20 {
        let slid = world.rotation(&token, n * hour / 2).new_idle_end().unwrap();
        token = world.advance(&token, n * hour / 2);
        let stored = world.stored(session.id);
        assert_eq!(stored.expires_at, slid.min(session.max_expires_at), "{n}");
        assert_eq!(stored.max_expires_at, session.max_expires_at);
    }
    let outcome = world.rotate(&token, 10 * hour);
    assert!(
        matches!(outcome, RotationOutcome::Refused(Refusal::Expired)),
        "{outcome:?}"
    );
}

pub fn fixed_sessions_keep_their_end(world: &World) {
    let policy = policy_with(|policy| policy.refresh = RefreshPolicy::Fixed);
    let (session, token) = world.session(&world.user("ann"));
    let outcome = world.rotate_under(&policy, &token, 600);
    assert_eq!(granted(&outcome).0, "advanced");
    assert_eq!(world.stored(session.id).expires_at, session.expires_at);
    let end = i64::try_from(IDLE.as_secs()).unwrap();
    let outcome = world.rotate_under(&policy, &token.next(), end);
    assert!(
        matches!(outcome, RotationOutcome::Refused(Refusal::Expired)),
        "{outcome:?}"
    );
}

pub fn late_recovery_is_remembered(world: &World) {
    let policy = policy_with(|policy| policy.reuse = ReusePolicy::Recover);
    let rotate = |token: &_, seconds| world.rotate_under(&policy, token, seconds);
    let (session, token) = world.session(&world.user("ann"));
    assert_eq!(granted(&rotate(&token, 60)).0, "advanced");
    let outcome = rotate(&token, 600);
    let ("recovered", Some(given)) = granted(&outcome) else {
        panic!("{outcome:?}");
    };
    assert_eq!(given.session.refresh_digest, token.next().secret.digest());
    assert_eq!(given.session, world.stored(session.id));
    assert_eq!(given.session.recovered_generation, Some(1));
    assert_eq!(world.audited("late_recovery"), 1);
    assert_eq!(
        granted(&rotate(&token, 700)).0,
        "recovered",
        "the same one again"
    );

    let next = token.next();
    assert_eq!(granted(&rotate(&next, 800)).0, "advanced");
    let outcome = block_on(
        world
            .storage
            .rotate(world.rotation_under(&policy, &next, 1_400)),
    );
    let outcome = outcome.unwrap();
    assert!(
        matches!(outcome, RotationOutcome::Refused(Refusal::Reused)),
        "one generation later it is not believed: {outcome:?}"
    );
    assert_eq!(world.end_reason(session.id), Some(EndReason::ReuseDetected));
    assert!(
        IDLE > Duration::from_secs(1_400),
        "or it would have run out"
    );
}

/// Each of them is audited, and so is the reuse that the second comes to when it comes too soon.
pub fn late_recoveries_keep_sixteen_generations_apart(world: &World) {
    let policy = policy_with(|policy| policy.reuse = ReusePolicy::Recover);
    let rotate = |token: &Token, seconds| world.rotate_under(&policy, token, seconds);
    for (name, generations, believed) in [("ann", 15, false), ("bob", 16, true)] {
        let (session, mut token) = world.session(&world.user(name));
        assert_eq!(granted(&rotate(&token, 10)).0, "advanced");
        assert_eq!(granted(&rotate(&token, 100)).0, "recovered");
        let mut seconds = 100;
        for _ in 0..generations {
            token = token.next();
            seconds += 40;
            assert_eq!(granted(&rotate(&token, seconds)).0, "advanced", "{name}");
        }
        let outcome = rotate(&token, seconds + 31);
        let expected = if believed { "recovered" } else { "refused" };
        assert_eq!(granted(&outcome).0, expected, "{name}: {outcome:?}");
        let ended = (!believed).then_some(EndReason::ReuseDetected);
        assert_eq!(world.end_reason(session.id), ended, "{name}");
    }
    assert_eq!(world.audited("late_recovery"), 3);
    assert_eq!(world.audited("refresh_reused"), 1);
}
