//! Rotations that give none, and what they leave behind.

use pollster::block_on;
use token_core::id::{ClientId, SessionId};
use token_core::key::RefreshKey;
use token_core::random::SystemEntropy;
use token_core::secret::RefreshSecret;
use token_core::session::{EndReason, Transport};
use token_core::store::{EndSession, SessionStore, UserStore};
use token_core::token::rotation::{Refusal, RotationOutcome};

use crate::support::{IDLE, Token, World, at_once};

fn refusal(outcome: &RotationOutcome) -> Refusal {
    match outcome {
        RotationOutcome::Refused(refusal) => *refusal,
        other => panic!("{other:?}"),
    }
}

/// I3: a refusal, and yet a commit. A storage that is opened anew finds the session dead.
pub fn reuse_is_committed_although_it_is_refused(world: &World) {
    let (session, token) = world.session(&world.user("ann"));
    let next = world.advance(&token, 60);
    let last = world.advance(&next, 120);
    assert_eq!(refusal(&world.rotate(&token, 121)), Refusal::Reused);
    assert!(world.knows_ended(session.id));
    world.storage.close();

    let (again, _) = world.another();
    let (stored, _) = block_on(again.session(session.id)).unwrap().unwrap();
    let ended = stored.ended.unwrap();
    assert_eq!(
        (ended.at, ended.reason),
        (world.at(121), EndReason::ReuseDetected)
    );
    for token in [&token, &next, &last] {
        let outcome = block_on(again.rotate(world.rotation(token, 130))).unwrap();
        let revoked = Refusal::Revoked(Some(EndReason::ReuseDetected));
        assert_eq!(refusal(&outcome), revoked);
    }
    assert_eq!(world.audited("refresh_reused"), 1);
}

pub fn reuse_at_once_is_audited_once(world: &World) {
    let (_, token) = world.session(&world.user("ann"));
    world.advance(&world.advance(&token, 60), 120);
    let outcomes = at_once(20, |_| refusal(&world.rotate(&token, 200)));
    let reused = outcomes.iter().filter(|r| **r == Refusal::Reused).count();
    let revoked = Refusal::Revoked(Some(EndReason::ReuseDetected));
    let found_ended = outcomes.iter().filter(|r| **r == revoked).count();
    assert_eq!((reused, found_ended), (1, 19));
    assert_eq!(world.audited("refresh_reused"), 1);
}

/// A restored backup.
pub fn a_token_from_the_future_ends_the_session(world: &World) {
    let (session, token) = world.session(&world.user("ann"));
    assert_eq!(
        refusal(&world.rotate(&token.next().next(), 60)),
        Refusal::StateLost
    );
    assert_eq!(world.end_reason(session.id), Some(EndReason::StateLost));
    assert!(world.knows_ended(session.id));
    assert_eq!(world.audited("state_lost"), 1);
}

pub fn strangers_leave_the_session_alone(world: &World) {
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    let (session, token) = world.session(&ann);
    for stranger in [
        Token {
            session_id: SessionId::generate(world.start, &SystemEntropy::default()),
            ..token.clone()
        },
        Token {
            user_id: bob.id,
            ..token.clone()
        },
        Token {
            secret: RefreshSecret::generate(&SystemEntropy::default()),
            ..token.clone()
        },
        Token {
            client_id: ClientId::from_trusted("other".to_owned()),
            ..token.clone()
        },
        Token {
            transport: Transport::Cookie,
            ..token.clone()
        },
    ] {
        assert_eq!(refusal(&world.rotate(&stranger, 60)), Refusal::Invalid);
        assert_eq!(world.stored(session.id), session);
    }
    assert_eq!(
        world
            .database
            .number("SELECT count(*) AS n FROM audit_events"),
        0
    );
    world.advance(&token, 60);
}

pub fn an_ended_session_is_revoked(world: &World) {
    let (session, token) = world.session(&world.user("ann"));
    block_on(world.storage.end_session(EndSession {
        id: session.id,
        of_user: None,
        reason: EndReason::Logout,
        now: world.at(1),
    }))
    .unwrap();
    let before = world.stored(session.id);
    let revoked = Refusal::Revoked(Some(EndReason::Logout));
    assert_eq!(refusal(&world.rotate(&token, 60)), revoked);
    assert_eq!(
        refusal(&world.rotate(&token.next(), 60)),
        revoked,
        "also from the future"
    );
    assert_eq!(world.stored(session.id), before);
    assert_eq!(
        world
            .database
            .number("SELECT count(*) AS n FROM audit_events"),
        0
    );
}

/// Even where somebody changed the user by hand and left the sessions.
pub fn a_session_without_an_active_user_is_revoked(world: &World) {
    let ann = world.user("ann");
    let (session, token) = world.session(&ann);
    world
        .database
        .execute("UPDATE users SET disabled_at = created_at");
    assert_eq!(refusal(&world.rotate(&token, 60)), Refusal::Revoked(None));
    assert_eq!(world.stored(session.id), session);
    assert!(block_on(world.storage.enable_user(ann.id)).unwrap());
    let next = world.advance(&token, 60);
    world.database.execute("DELETE FROM users");
    assert_eq!(refusal(&world.rotate(&next, 120)), Refusal::Revoked(None));
    assert_eq!(world.stored(session.id).generation, 1);
}

/// I6, and the idle end.
pub fn a_session_that_ran_out_is_expired(world: &World) {
    let (session, token) = world.session(&world.user("ann"));
    let idle_end = session.expires_at.unix_seconds() - world.start.unix_seconds();
    assert_eq!(refusal(&world.rotate(&token, idle_end)), Refusal::Expired);
    assert_eq!(world.stored(session.id), session);
    world.advance(&token, idle_end - 1);
    let old = 20 * i64::try_from(IDLE.as_secs()).unwrap();
    assert_eq!(refusal(&world.rotate(&token.next(), old)), Refusal::Expired);
    assert_eq!(
        refusal(&world.rotate(&token, old)),
        Refusal::Expired,
        "not reuse any more"
    );
}

pub fn an_unknown_key_decides_nothing(world: &World) {
    let (session, token) = world.session(&world.user("ann"));
    let elsewhere = Token {
        key: RefreshKey::from_material(&[8; 32]),
        ..token.clone()
    };
    world.advance(&elsewhere, 60);
    let before = world.stored(session.id);
    assert_eq!(refusal(&world.rotate(&token, 70)), Refusal::UnknownKey);
    assert_eq!(world.stored(session.id), before);
}
