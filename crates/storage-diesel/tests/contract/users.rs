//! Accounts.

use pollster::block_on;
use token_core::id::UserId;
use token_core::random::SystemEntropy;
use token_core::session::{EndReason, Session};
use token_core::store::{
    ChangePassword, DeleteUser, NameReservation, OpenOutcome, PasswordOutcome, SessionStore,
    StoreError, UserStore,
};
use token_core::user::{Identifier, User};

use crate::support::{World, hash, open_session};

fn nobody(world: &World) -> UserId {
    UserId::generate(world.start, &SystemEntropy::default())
}

fn change(user: &User, world: &World) -> ChangePassword {
    ChangePassword {
        user_id: user.id,
        verified_hash: Some(hash(user.username.as_str())),
        new_hash: hash("new"),
        fresh_session: None,
        now: world.at(60),
    }
}

pub fn an_account_is_found_by_every_name(world: &World) {
    let ann = world.user("Ann");
    world.user("bob");
    let storage = &world.storage;
    assert_eq!(block_on(storage.user(ann.id)).unwrap(), Some(ann.clone()));
    for identifier in [
        Identifier::username("ANN"),
        Identifier::email("ann@Example.com"),
        Identifier::either("ann"),
    ] {
        let found = block_on(storage.find_user(identifier.clone())).unwrap();
        assert_eq!(found, Some(ann.clone()), "{identifier:?}");
        let credentials = block_on(storage.credentials(identifier)).unwrap().unwrap();
        assert_eq!(credentials.user_id, ann.id);
        assert_eq!(credentials.password_hash, hash("Ann"));
    }
    let credentials = block_on(storage.credentials_of(ann.id)).unwrap().unwrap();
    assert_eq!(credentials.password_hash, hash("Ann"));
    for stranger in ["carol", "", "ann@example.com\0", "a\0nn", "'; --"] {
        let identifier = Identifier::username(stranger);
        assert!(
            block_on(storage.find_user(identifier.clone()))
                .unwrap()
                .is_none()
        );
        assert!(block_on(storage.credentials(identifier)).unwrap().is_none());
    }
    assert!(block_on(storage.user(nobody(world))).unwrap().is_none());
    assert!(
        block_on(storage.credentials_of(nobody(world)))
            .unwrap()
            .is_none()
    );
}

/// Byte by byte on both databases, whatever the collation of the server.
pub fn users_are_listed_by_name(world: &World) {
    for name in ["bob", "Ann", "zoe", "émile", "a-b", "ab"] {
        world.user(name);
    }
    let names = |after: Option<&str>, limit| -> Vec<String> {
        let users = block_on(world.storage.users(after.map(str::to_owned), limit)).unwrap();
        users
            .iter()
            .map(|u| u.username.as_str().to_owned())
            .collect()
    };
    let all = ["a-b", "ab", "Ann", "bob", "zoe", "émile"];
    assert_eq!(names(None, 100), all);
    assert_eq!(names(None, 2), all[..2]);
    assert_eq!(names(Some("ab"), 2), all[2..4]);
    assert!(names(Some("émile"), 2).is_empty());
    assert_eq!(names(Some("a\0"), 1), all[..1]);
}

pub fn a_new_password_ends_every_session(world: &World) {
    let ann = world.user("ann");
    let (old, _) = world.session(&ann);
    let (bobs, _) = world.session(&world.user("bob"));
    let (fresh, _) = world.new_session(&ann, 60);
    let outcome = block_on(world.storage.change_password(ChangePassword {
        fresh_session: Some(fresh.clone()),
        ..change(&ann, world)
    }))
    .unwrap();
    let PasswordOutcome::Changed(user, place @ Some(_)) = outcome else {
        panic!("{outcome:?}");
    };
    assert_eq!(*user, ann);
    let fresh = Session {
        status: place,
        ..fresh
    };
    assert_eq!(world.end_reason(old.id), Some(EndReason::PasswordChanged));
    assert!(world.knows_ended(old.id));
    assert_eq!(world.stored(fresh.id), fresh);
    assert!(world.stored(bobs.id).ended.is_none());
    let credentials = block_on(world.storage.credentials_of(ann.id))
        .unwrap()
        .unwrap();
    assert_eq!(credentials.password_hash, hash("new"));

    let by_admin = ChangePassword {
        verified_hash: None,
        ..change(&ann, world)
    };
    let outcome = block_on(world.storage.change_password(by_admin)).unwrap();
    assert!(matches!(outcome, PasswordOutcome::Changed(..)));
    assert_eq!(world.end_reason(fresh.id), Some(EndReason::PasswordChanged));
}

pub fn a_new_password_is_refused_where_the_old_one_is_gone(world: &World) {
    let ann = world.user("ann");
    let (session, _) = world.session(&ann);
    let refused = |change: ChangePassword| {
        let outcome = block_on(world.storage.change_password(change)).unwrap();
        assert!(matches!(outcome, PasswordOutcome::Refused), "{outcome:?}");
    };
    refused(ChangePassword {
        verified_hash: Some(hash("other")),
        ..change(&ann, world)
    });
    refused(ChangePassword {
        user_id: nobody(world),
        ..change(&ann, world)
    });
    assert!(world.stored(session.id).ended.is_none());

    assert!(block_on(world.storage.disable_user(ann.id, world.start)).unwrap());
    let (fresh, _) = world.new_session(&ann, 60);
    refused(ChangePassword {
        fresh_session: Some(fresh),
        ..change(&ann, world)
    });
    let outcome = block_on(world.storage.change_password(change(&ann, world))).unwrap();
    assert!(
        matches!(outcome, PasswordOutcome::Changed(..)),
        "a disabled user may be given a password, not a session"
    );
}

pub fn a_renewed_hash_ends_nothing(world: &World) {
    let ann = world.user("ann");
    let (session, _) = world.session(&ann);
    let renew = |old| block_on(world.storage.renew_hash(ann.id, hash(old), hash("ann-13")));
    assert!(renew("ann").unwrap());
    assert!(!renew("ann").unwrap(), "the old hash stands no longer");
    assert!(world.stored(session.id).ended.is_none());
    let credentials = block_on(world.storage.credentials_of(ann.id))
        .unwrap()
        .unwrap();
    assert_eq!(credentials.password_hash, hash("ann-13"));
}

pub fn a_disabled_user_has_no_sessions(world: &World) {
    let ann = world.user("ann");
    let (session, _) = world.session(&ann);
    let disable = |at| block_on(world.storage.disable_user(ann.id, at)).unwrap();
    assert!(disable(world.at(1)));
    assert!(disable(world.at(2)));
    let stored = block_on(world.storage.user(ann.id)).unwrap().unwrap();
    assert_eq!(
        stored.disabled_at,
        Some(world.at(1)),
        "the first date stays"
    );
    assert_eq!(world.end_reason(session.id), Some(EndReason::UserDisabled));
    assert!(world.knows_ended(session.id));
    let (late, _) = world.new_session(&ann, 3);
    assert!(matches!(
        world.open(open_session(&late, &ann)),
        OpenOutcome::Refused
    ));

    assert!(block_on(world.storage.enable_user(ann.id)).unwrap());
    assert_eq!(
        block_on(world.storage.user(ann.id)).unwrap(),
        Some(ann.clone())
    );
    assert_eq!(world.end_reason(session.id), Some(EndReason::UserDisabled));
    world.session_at(&ann, 4);
    let nobody = nobody(world);
    assert!(!block_on(world.storage.disable_user(nobody, world.start)).unwrap());
    assert!(!block_on(world.storage.enable_user(nobody)).unwrap());
}

pub fn a_deleted_user_leaves_ended_sessions(world: &World) {
    let ann = world.user("ann");
    let (session, _) = world.session(&ann);
    let delete = |verified_hash| {
        block_on(world.storage.delete_user(DeleteUser {
            user_id: ann.id,
            verified_hash,
            reservation: NameReservation {
                until: world.at(900),
            },
            now: world.at(1),
        }))
        .unwrap()
    };
    assert!(!delete(Some(hash("other"))), "the password was changed");
    assert!(world.stored(session.id).ended.is_none());
    assert!(delete(Some(hash("ann"))));
    assert!(!delete(None), "deleted already");
    let (stored, user) = block_on(world.storage.session(session.id))
        .unwrap()
        .unwrap();
    assert_eq!(
        stored.ended.map(|e| (e.at, e.reason)),
        Some((world.at(1), EndReason::UserDeleted))
    );
    assert_eq!(user, None);
    assert!(world.knows_ended(session.id));
    assert_eq!(block_on(world.storage.user(ann.id)).unwrap(), None);
}

pub fn damage_is_told_from_outage(world: &World) {
    let ann = world.user("ann");
    let (session, token) = world.session(&ann);
    world
        .database
        .execute("UPDATE users SET roles = '[\"NOT A ROLE\"]'");
    let error = block_on(world.storage.user(ann.id)).unwrap_err();
    assert!(
        matches!(&error, StoreError::Damaged(m) if m.contains("users.roles")),
        "{error}"
    );
    let error = block_on(world.storage.rotate(world.rotation(&token, 60))).unwrap_err();
    assert!(matches!(error, StoreError::Damaged(_)), "{error}");
    world
        .database
        .execute("UPDATE users SET roles = '[]'; UPDATE sessions SET ip = 'nowhere'");
    let error = block_on(world.storage.session(session.id)).unwrap_err();
    assert!(
        matches!(&error, StoreError::Damaged(m) if m.contains("sessions.ip")),
        "{error}"
    );
    assert_eq!(
        world
            .database
            .number("SELECT generation AS n FROM sessions"),
        0
    );
}
