//! Names: given once, and not given on at once.

use pollster::block_on;
use token_core::store::{
    CreateOutcome, DeleteUser, NameReservation, NewUser, ProfileChange, ProfileOutcome, UserStore,
};
use token_core::time::Timestamp;
use token_core::user::{Email, FullName, User, Username};

use crate::support::{World, at_once};

fn create(world: &World, new: NewUser, seconds: i64) -> CreateOutcome {
    block_on(world.storage.create_user(new, world.at(seconds))).unwrap()
}

fn rename(world: &World, user: &User, name: &str, seconds: i64) -> ProfileOutcome {
    change(world, user, Some(name), None, seconds)
}

fn change(
    world: &World,
    user: &User,
    username: Option<&str>,
    full_name: Option<&str>,
    seconds: i64,
) -> ProfileOutcome {
    let now: Timestamp = world.at(seconds);
    block_on(world.storage.change_profile(ProfileChange {
        user_id: user.id,
        username: username.map(|name| Username::parse(name).unwrap()),
        full_name: full_name.map(|name| FullName::parse(name).unwrap()),
        reservation: NameReservation {
            until: world.at(seconds + 900),
        },
        now,
    }))
    .unwrap()
}

fn assert_renamed(outcome: ProfileOutcome, name: &str) {
    match outcome {
        ProfileOutcome::Changed(user) => assert_eq!(user.username.as_str(), name),
        other => panic!("{other:?}"),
    }
}

fn assert_taken(outcome: &ProfileOutcome) {
    assert!(
        matches!(outcome, ProfileOutcome::UsernameTaken),
        "{outcome:?}"
    );
}

pub fn a_name_is_given_once(world: &World) {
    world.user("ann");
    assert_eq!(
        create(world, world.new_user("ANN"), 0),
        CreateOutcome::UsernameTaken
    );
    let mut other = world.new_user("bob");
    other.user.email = Email::parse("Ann@Example.COM").unwrap();
    assert_eq!(create(world, other.clone(), 0), CreateOutcome::EmailTaken);
    other.user.email = Email::parse("bob@example.com").unwrap();
    assert_eq!(create(world, other, 0), CreateOutcome::Created);
    assert_eq!(world.database.number("SELECT count(*) AS n FROM users"), 2);
}

pub fn parallel_creation_makes_one_account(world: &World) {
    let outcomes = at_once(16, |n| {
        let mut new = world.new_user("ann");
        new.user.email = Email::parse(&format!("ann{n}@example.com")).unwrap();
        create(world, new, 0)
    });
    let created = outcomes
        .iter()
        .filter(|o| **o == CreateOutcome::Created)
        .count();
    let taken = outcomes
        .iter()
        .filter(|o| **o == CreateOutcome::UsernameTaken)
        .count();
    assert_eq!((created, taken), (1, 15));
    let outcomes = at_once(16, |n| {
        let mut new = world.new_user(&format!("bob{n}"));
        new.user.email = Email::parse("bob@example.com").unwrap();
        create(world, new, 0)
    });
    let created = outcomes
        .iter()
        .filter(|o| **o == CreateOutcome::Created)
        .count();
    assert_eq!(created, 1);
    assert_eq!(world.database.number("SELECT count(*) AS n FROM users"), 2);
}

pub fn a_freed_name_is_kept_from_others(world: &World) {
    let ann = world.user("ann");
    let bob = world.user("bob");
    assert_renamed(rename(world, &ann, "ANN", 0), "ANN");
    assert_eq!(
        world
            .database
            .number("SELECT count(*) AS n FROM name_reservations"),
        0
    );
    assert_renamed(rename(world, &ann, "anna", 0), "anna");

    assert_taken(&rename(world, &bob, "ann", 10));
    let mut new = world.new_user("ann");
    new.user.email = Email::parse("new@example.com").unwrap();
    assert_eq!(
        create(world, new.clone(), 899),
        CreateOutcome::UsernameTaken
    );
    assert_renamed(rename(world, &ann, "ann", 20), "ann");
    assert_taken(&rename(world, &bob, "anna", 30));
    assert_renamed(rename(world, &ann, "anna", 40), "anna");
    assert_eq!(
        create(world, new.clone(), 939),
        CreateOutcome::UsernameTaken
    );
    assert_eq!(create(world, new, 940), CreateOutcome::Created);
    assert_eq!(world.database.number("SELECT count(*) AS n FROM users"), 3);
}

pub fn a_deleted_users_names_are_kept_from_all(world: &World) {
    let ann = world.user("ann");
    let deleted = block_on(world.storage.delete_user(DeleteUser {
        user_id: ann.id,
        verified_hash: None,
        reservation: NameReservation {
            until: world.at(900),
        },
        now: world.start,
    }));
    assert!(deleted.unwrap());
    let mut same_email = world.new_user("bob");
    same_email.user.email = ann.email.clone();
    assert_eq!(
        create(world, same_email.clone(), 899),
        CreateOutcome::EmailTaken
    );
    let mut same_again = world.new_user("ann");
    same_again.user.id = ann.id;
    assert_eq!(create(world, same_again, 899), CreateOutcome::UsernameTaken);
    assert_eq!(world.database.number("SELECT count(*) AS n FROM users"), 0);
    assert_eq!(create(world, same_email, 900), CreateOutcome::Created);
}

pub fn a_refused_rename_changes_nothing(world: &World) {
    let ann = world.user("ann");
    let bob = world.user("bob");
    assert_taken(&change(world, &bob, Some("Ann"), Some("Robert"), 0));
    assert_eq!(
        block_on(world.storage.user(bob.id)).unwrap(),
        Some(bob.clone())
    );
    match change(world, &bob, None, Some("Robert"), 0) {
        ProfileOutcome::Changed(user) => assert_eq!(user.full_name.as_str(), "Robert"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(change(world, &ann, None, None, 0), ProfileOutcome::Changed(u) if *u == ann));
    let nobody = world.new_user("nobody").user;
    assert!(matches!(
        rename(world, &nobody, "x", 0),
        ProfileOutcome::NotFound
    ));
}
