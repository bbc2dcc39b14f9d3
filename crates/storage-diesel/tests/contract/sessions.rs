//! Opening, ending, listing and sweeping sessions.

use pollster::block_on;
use token_core::id::{AuditId, SessionId};
use token_core::random::SystemEntropy;
use token_core::session::{EndReason, Session};
use token_core::store::{
    AuditEvent, AuditKind, EndOutcome, EndSession, EndSessionsOf, OpenOutcome, OpenSession,
    SessionFilter, SessionStore, StoreError, SweepBefore,
};
use token_core::time::{Clock, Timestamp};
use token_core::user::User;

use crate::support::{IDLE, World, at_once, hash, open_session};

fn end(world: &World, session: &Session, reason: EndReason, seconds: i64) -> EndOutcome {
    end_as(world, session, None, reason, seconds)
}

fn end_as(
    world: &World,
    session: &Session,
    of_user: Option<&User>,
    reason: EndReason,
    seconds: i64,
) -> EndOutcome {
    block_on(world.storage.end_session(EndSession {
        id: session.id,
        of_user: of_user.map(|user| user.id),
        reason,
        now: world.at(seconds),
    }))
    .unwrap()
}

fn list(world: &World, filter: SessionFilter) -> Vec<SessionId> {
    let sessions = block_on(world.storage.sessions(filter)).unwrap();
    sessions.iter().map(|session| session.id).collect()
}

pub fn a_session_is_stored_whole(world: &World) {
    let ann = world.user("ann");
    let (mut session, _) = world.new_session(&ann, 0);
    "a b".clone_into(&mut session.scope);
    session.recovered_generation = Some(3);
    session.generation = 9;
    session.remember = false;
    session.client.ip = "2001:db8::7".parse().ok();
    session.client.label = None;
    session.amr = vec!["pwd".to_owned(), "o\"tp".to_owned()];
    let outcome = world.open(open_session(&session, &ann));
    let OpenOutcome::Opened(user, place) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(*user, ann);
    session.status = Some(place);
    let found = block_on(world.storage.session(session.id)).unwrap();
    assert_eq!(found, Some((session, Some(ann.clone()))));
    let unknown = SessionId::generate(world.start, &SystemEntropy::default());
    assert!(block_on(world.storage.session(unknown)).unwrap().is_none());
}

/// I9, without a race: the hash that was verified must still be the user's.
pub fn opening_needs_the_verified_password(world: &World) {
    let ann = world.user("ann");
    let (session, _) = world.new_session(&ann, 0);
    let stale = OpenSession {
        verified_hash: hash("old"),
        ..open_session(&session, &ann)
    };
    assert!(matches!(world.open(stale), OpenOutcome::Refused));
    let stranger = world.new_user("bob").user;
    let (strangers, _) = world.new_session(&stranger, 0);
    assert!(matches!(
        world.open(open_session(&strangers, &stranger)),
        OpenOutcome::Refused
    ));
    assert_eq!(
        world.database.number("SELECT count(*) AS n FROM sessions"),
        0
    );
}

pub fn a_new_session_replaces_old_ones(world: &World) {
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    let (anns, _) = world.session(&ann);
    let (bobs, _) = world.session(&bob);
    let (logged_out, _) = world.session(&ann);
    let (other, _) = world.session(&ann);
    end(world, &logged_out, EndReason::Logout, 1);
    let (new, _) = world.new_session(&ann, 2);
    let unknown = SessionId::generate(world.start, &SystemEntropy::default());
    let outcome = world.open(OpenSession {
        replaces: vec![anns.id, bobs.id, logged_out.id, unknown, new.id],
        ..open_session(&new, &ann)
    });
    assert!(matches!(outcome, OpenOutcome::Opened(..)));
    for replaced in [anns.id, bobs.id] {
        assert_eq!(world.end_reason(replaced), Some(EndReason::Replaced));
        assert!(world.knows_ended(replaced));
    }
    assert_eq!(world.end_reason(logged_out.id), Some(EndReason::Logout));
    assert_eq!(world.end_reason(other.id), None);
    assert_eq!(world.end_reason(new.id), None);
}

pub fn the_least_recently_refreshed_sessions_make_room(world: &World) {
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    let (bobs, _) = world.session(&bob);
    let (first, token) = world.session_at(&ann, 0);
    let (second, _) = world.session_at(&ann, 1);
    let (third, _) = world.session_at(&ann, 2);
    world.advance(&token, 60);
    let (new, _) = world.new_session(&ann, 61);
    let outcome = world.open(OpenSession {
        per_user: 3,
        ..open_session(&new, &ann)
    });
    assert!(matches!(outcome, OpenOutcome::Opened(..)));
    assert_eq!(world.end_reason(second.id), Some(EndReason::Limit));
    assert!(world.knows_ended(second.id));
    for kept in [first.id, third.id, new.id, bobs.id] {
        assert_eq!(world.end_reason(kept), None);
    }
    let (last, _) = world.new_session(&ann, 62);
    world.open(OpenSession {
        per_user: 0,
        ..open_session(&last, &ann)
    });
    let live = SessionFilter {
        user_id: Some(ann.id),
        live_at: Some(world.at(62)),
        limit: None,
    };
    assert_eq!(
        list(world, live),
        [last.id],
        "the new one itself is never ended"
    );
}

pub fn parallel_logins_keep_to_the_limit(world: &World) {
    let ann = world.user("ann");
    at_once(24, |n| {
        let (session, _) = world.new_session(&ann, i64::try_from(n).unwrap());
        let outcome = world.open(OpenSession {
            per_user: 5,
            ..open_session(&session, &ann)
        });
        assert!(matches!(outcome, OpenOutcome::Opened(..)));
    });
    assert_eq!(
        world
            .database
            .number("SELECT count(*) AS n FROM sessions WHERE ended_at IS NULL"),
        5
    );
}

pub fn ending_twice_keeps_the_first_reason(world: &World) {
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    let (session, _) = world.session(&ann);
    assert_eq!(
        end_as(world, &session, Some(&bob), EndReason::Logout, 1),
        EndOutcome::NotFound,
        "not bob's to end"
    );
    assert!(!world.knows_ended(session.id));
    assert_eq!(
        end_as(world, &session, Some(&ann), EndReason::Logout, 2),
        EndOutcome::Ended
    );
    assert_eq!(
        end(world, &session, EndReason::Admin, 3),
        EndOutcome::AlreadyEnded
    );
    assert_eq!(
        end_as(world, &session, Some(&bob), EndReason::Logout, 4),
        EndOutcome::NotFound,
        "not bob's to ask about"
    );
    let ended = world.stored(session.id).ended.unwrap();
    assert_eq!((ended.at, ended.reason), (world.at(2), EndReason::Logout));

    let (unknown, _) = world.new_session(&ann, 0);
    assert_eq!(
        end_as(world, &unknown, Some(&ann), EndReason::Logout, 1),
        EndOutcome::NotFound
    );
    assert!(
        !world.knows_ended(unknown.id),
        "nobody fills the set with ids that they made up"
    );
    assert_eq!(
        end(world, &unknown, EndReason::Logout, 1),
        EndOutcome::NotFound
    );
    assert!(
        world.knows_ended(unknown.id),
        "a token named it, so its row was swept"
    );
    let (ran_out, _) = world.session(&ann);
    let late = i64::try_from(IDLE.as_secs()).unwrap() + 1;
    assert_eq!(
        end(world, &ran_out, EndReason::Logout, late),
        EndOutcome::Ended
    );
}

pub fn all_or_all_others_end(world: &World) {
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    let sessions: Vec<_> = (0..4).map(|n| world.session_at(&ann, n).0).collect();
    let (bobs, _) = world.session(&bob);
    let (all, others) = (EndReason::LogoutAll, EndReason::LogoutOthers);
    let end_all = |except, reason| {
        block_on(world.storage.end_sessions_of(EndSessionsOf {
            user_id: ann.id,
            except,
            reason,
            now: world.at(9),
        }))
        .unwrap()
    };
    assert_eq!(end_all(Some(sessions[1].id), EndReason::LogoutOthers), 3);
    assert_eq!(world.end_reason(sessions[1].id), None);
    assert!(!world.knows_ended(sessions[1].id));
    assert_eq!(end_all(None, EndReason::LogoutAll), 1);
    assert_eq!(end_all(None, EndReason::LogoutAll), 0);
    let reasons: Vec<_> = sessions
        .iter()
        .map(|s| world.end_reason(s.id).unwrap())
        .collect();
    assert_eq!(reasons, [others, all, others, others]);
    assert!(sessions.iter().all(|s| world.knows_ended(s.id)));
    assert_eq!(world.end_reason(bobs.id), None);
}

pub fn sessions_are_filtered(world: &World) {
    let (ann, bob) = (world.user("ann"), world.user("bob"));
    let (a, _) = world.session_at(&ann, 0);
    let (b, _) = world.session_at(&ann, 10);
    let (c, _) = world.session_at(&bob, 20);
    end(world, &a, EndReason::Logout, 30);
    assert_eq!(list(world, SessionFilter::default()), [c.id, b.id, a.id]);
    let anns = SessionFilter {
        user_id: Some(ann.id),
        ..SessionFilter::default()
    };
    assert_eq!(list(world, anns.clone()), [b.id, a.id]);
    let live_at = |live_at: Timestamp| SessionFilter {
        live_at: Some(live_at),
        ..SessionFilter::default()
    };
    assert_eq!(list(world, live_at(world.at(30))), [c.id, b.id]);
    assert_eq!(list(world, live_at(b.expires_at)), [c.id]);
    assert!(list(world, live_at(c.max_expires_at)).is_empty());
    let newest = SessionFilter {
        limit: Some(1),
        ..anns
    };
    assert_eq!(list(world, newest), [b.id]);
}

/// I5: who is told that every session has ended is told it also of those that another process
/// ended a moment ago.
pub fn whoever_ends_all_knows_of_what_others_ended(world: &World) {
    let ann = world.user("ann");
    let (session, _) = world.session(&ann);
    let (behind, _) = world.session(&ann);
    let (long_ago, _) = world.session_at(&ann, -8_000);
    let (other, others_set) = world.another();
    end(world, &session, EndReason::Logout, 1);
    // By a clock that was set back meanwhile.
    end(world, &behind, EndReason::Logout, -7_200);
    end(world, &long_ago, EndReason::Logout, -7_000);
    assert_eq!(others_set.len(), 0);
    let ended = block_on(other.end_sessions_of(EndSessionsOf {
        user_id: ann.id,
        except: None,
        reason: EndReason::LogoutAll,
        now: world.at(2),
    }));
    assert_eq!(ended.unwrap(), 0, "none was left");
    let monotonic = world.clock.monotonic();
    assert!(
        [session, behind]
            .iter()
            .all(|s| others_set.is_ended(s.id, monotonic))
    );
    assert!(
        !others_set.is_ended(long_ago.id, monotonic),
        "which no token outlives"
    );
}

/// I5: the clock may have been set since another process ended it, so that what seems to be long
/// ago was not.
pub fn an_end_that_is_told_again_is_known_from_then_on(world: &World) {
    let ann = world.user("ann");
    let (session, _) = world.session_at(&ann, -8_000);
    let (other, _) = world.another();
    let asked = |now| EndSession {
        id: session.id,
        of_user: None,
        reason: EndReason::Logout,
        now: world.at(now),
    };
    block_on(other.end_session(asked(-7_200))).unwrap();
    assert!(!world.knows_ended(session.id));
    let again = block_on(world.storage.end_session(asked(1)));
    assert_eq!(again.unwrap(), EndOutcome::AlreadyEnded);
    assert!(world.knows_ended(session.id));
}

/// I5, on this node: also where the end itself was somebody else's.
pub fn the_process_knows_an_end_before_the_caller(world: &World) {
    let ann = world.user("ann");
    let (session, token) = world.session(&ann);
    let (other, others_set) = world.another();
    let asked = world.storage.end_session(EndSession {
        id: session.id,
        of_user: None,
        reason: EndReason::Logout,
        now: world.at(1),
    });
    block_on(asked).unwrap();
    assert!(world.knows_ended(session.id));

    assert_eq!(others_set.len(), 0);
    let outcome = block_on(other.rotate(world.rotation(&token, 60))).unwrap();
    assert_eq!(crate::support::granted(&outcome).0, "refused");
    assert_eq!(others_set.len(), 1, "it was seen to be ended");
    let again = block_on(other.end_session(EndSession {
        id: session.id,
        of_user: None,
        reason: EndReason::Logout,
        now: world.at(1),
    }));
    assert_eq!(again.unwrap(), EndOutcome::AlreadyEnded);
    assert_eq!(others_set.len(), 1);

    let (abandoned, _) = world.session(&ann);
    drop(world.storage.end_session(EndSession {
        id: abandoned.id,
        of_user: None,
        reason: EndReason::Logout,
        now: world.at(1),
    }));
    world.storage.close();
    assert!(
        world.knows_ended(abandoned.id),
        "although nobody waited for it"
    );
}

pub fn sweeping_deletes_what_is_too_old(world: &World) {
    let ann = world.user("ann");
    let old: Vec<_> = (0..5).map(|n| world.session_at(&ann, n).0).collect();
    let (ended, _) = world.session_at(&ann, 1_000);
    let (ended_later, _) = world.session_at(&ann, 1_000);
    let (live, _) = world.session_at(&ann, 1_000);
    end(world, &ended, EndReason::Logout, 1_001);
    end(world, &ended_later, EndReason::Logout, 1_003);
    world.database.execute(
        "INSERT INTO name_reservations (kind, name_key, reserved_until) \
         SELECT 'username', 'past', rotated_at FROM sessions ORDER BY rotated_at LIMIT 1",
    );
    let before = SweepBefore {
        max_expires_at: old[4]
            .max_expires_at
            .plus(std::time::Duration::from_secs(1)),
        ended_at: world.at(1_002),
        reserved_until: world.at(1),
        limit: 4,
    };
    let sweep = || block_on(world.storage.sweep(before)).unwrap();
    assert_eq!((sweep(), sweep(), sweep()), (4, 2, 0));
    let mut left = list(world, SessionFilter::default());
    left.sort();
    let mut expected = [ended_later.id, live.id];
    expected.sort();
    assert_eq!(left, expected);
    assert_eq!(
        world
            .database
            .number("SELECT count(*) AS n FROM name_reservations"),
        0
    );
}

/// What shares a transaction with it is not touched.
pub fn a_violated_constraint_fails_its_unit_alone(world: &World) {
    let ann = world.user("ann");
    let event = |id| AuditEvent {
        id,
        at: world.start,
        kind: AuditKind::ReplayedElsewhere,
        user_id: Some(ann.id),
        session_id: None,
        detail: "ip=192.0.2.9".to_owned(),
    };
    let taken = AuditId::generate(world.start, &SystemEntropy::default());
    block_on(world.storage.record(event(taken))).unwrap();
    let asked: Vec<_> = (0..60)
        .map(|n| {
            let id = AuditId::generate(world.start, &SystemEntropy::default());
            world
                .storage
                .record(event(if n % 3 == 0 { taken } else { id }))
        })
        .collect();
    let answers: Vec<_> = asked.into_iter().map(block_on).collect();
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer.is_err(), n % 3 == 0, "{n}");
    }
    let error = answers[0].as_ref().unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)));
    assert!(
        !error.to_string().contains("192.0.2.9"),
        "no values in messages: {error}"
    );
    assert_eq!(world.audited("replayed_elsewhere"), 41);
}
