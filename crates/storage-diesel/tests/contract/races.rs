//! Races between units of work that must not both win.

use std::sync::atomic::{AtomicBool, Ordering};

use pollster::block_on;
use token_core::session::EndReason;
use token_core::store::{
    ChangePassword, DeleteUser, EndOutcome, EndSession, EndSessionsOf, NameReservation,
    OpenSession, SessionStore, UserStore,
};
use token_core::user::User;

use crate::support::{World, at_once, granted, hash, open_session};

/// I9: logins with the old password and the change start together; in the end no session lives.
fn no_login_survives(world: &World, change: impl Fn(&User) -> bool + Sync) {
    for round in 0..10 {
        let user = world.user(&format!("user{round}"));
        let changed = AtomicBool::new(false);
        at_once(9, |n| {
            if n == 4 {
                changed.store(change(&user), Ordering::SeqCst);
            } else {
                let (session, _) = world.new_session(&user, 0);
                world.open(open_session(&session, &user));
            }
        });
        assert!(changed.load(Ordering::SeqCst));
        let live = "SELECT count(*) AS n FROM sessions WHERE ended_at IS NULL";
        assert_eq!(world.database.number(live), 0, "round {round}");
    }
}

pub fn no_login_survives_a_password_change(world: &World) {
    no_login_survives(world, |user| {
        let change = ChangePassword {
            user_id: user.id,
            verified_hash: Some(hash(user.username.as_str())),
            new_hash: hash("new"),
            fresh_session: None,
            now: world.at(1),
        };
        let outcome = block_on(world.storage.change_password(change)).unwrap();
        matches!(outcome, token_core::store::PasswordOutcome::Changed(..))
    });
}

pub fn no_login_survives_a_disabling(world: &World) {
    no_login_survives(world, |user| {
        block_on(world.storage.disable_user(user.id, world.at(1))).unwrap()
    });
}

pub fn no_login_survives_a_deletion(world: &World) {
    no_login_survives(world, |user| {
        let delete = DeleteUser {
            user_id: user.id,
            verified_hash: None,
            reservation: NameReservation {
                until: world.at(900),
            },
            now: world.at(1),
        };
        block_on(world.storage.delete_user(delete)).unwrap()
    });
}

/// Whatever a refresh answers that was asked for at the same time, the session is over.
pub fn no_refresh_survives_an_end(world: &World) {
    let ann = world.user("ann");
    for round in 0..10 {
        let (session, token) = world.session(&ann);
        at_once(6, |n| {
            if n == 3 {
                let end = EndSession {
                    id: session.id,
                    of_user: Some(ann.id),
                    reason: EndReason::Logout,
                    now: world.at(60),
                };
                let outcome = block_on(world.storage.end_session(end)).unwrap();
                assert_eq!(outcome, EndOutcome::Ended);
                assert_eq!(granted(&world.rotate(&token, 61)).0, "refused");
                assert_eq!(granted(&world.rotate(&token.next(), 61)).0, "refused");
            } else {
                world.rotate(&token, 60);
            }
        });
        assert_eq!(
            world.end_reason(session.id),
            Some(EndReason::Logout),
            "round {round}"
        );
        assert!(world.knows_ended(session.id));
    }
}

/// Units that touch each other's sessions in any order wait or try again, and all succeed.
pub fn units_on_many_sessions_do_not_fail_each_other(world: &World) {
    let users: Vec<_> = (0..4).map(|n| world.user(&format!("user{n}"))).collect();
    let sessions: Vec<_> = (0..24)
        .map(|n| world.session_at(&users[n % 4], i64::try_from(n).unwrap()).0)
        .collect();
    at_once(12, |n| {
        let user = &users[n % 4];
        let (new, _) = world.new_session(user, 100);
        let mut replaces: Vec<_> = sessions.iter().map(|s| s.id).collect();
        if n % 2 == 0 {
            replaces.reverse();
        }
        world.open(OpenSession {
            replaces,
            ..open_session(&new, user)
        });
        block_on(world.storage.end_sessions_of(EndSessionsOf {
            user_id: user.id,
            except: None,
            reason: EndReason::LogoutAll,
            now: world.at(101),
        }))
        .unwrap();
    });
    let live = "SELECT count(*) AS n FROM sessions WHERE ended_at IS NULL";
    assert_eq!(world.database.number(live), 0);
}
