//! Keys on their way through life.

use std::time::Duration;

use pollster::block_on;
use storage_diesel::Storage;
use token_core::id::KeyId;
use token_core::key::life::{KeyLife, KeyRefusal, KeyTask};
use token_core::key::{AccessAlgorithm, KeyPlan, KeyRing, KeySources, MasterKey};
use token_core::random::SystemEntropy;
use token_core::store::{
    KeyChange, KeyChangeOutcome, KeyPurpose, KeyState, KeyStore, StoredKey, UserStore,
};
use token_core::time::Timestamp;

use crate::support::{TestDatabase, World, at_once};

/// Everything is kept for a moment only; `seconds` of a task count from the start of the test.
fn due() -> KeyTask {
    KeyTask::Due(KeyLife {
        access: Some("ES256"),
        refresh: true,
        rotation: None,
        jwks_max_age: Duration::from_secs(1),
        access_lifetime: Duration::from_secs(1),
        session_max_age: Duration::from_secs(1),
        refresh_needed_until: None,
    })
}

/// More than any key of [`due`] waits for.
const LATER: i64 = 1_000;

fn sources() -> KeySources {
    KeySources {
        master: MasterKey::generate(&SystemEntropy::default()),
        access_secret: None,
        access_algorithm: AccessAlgorithm::Es256,
        refresh_secret: None,
    }
}

/// The first keys of an installation.
fn install(world: &World) -> KeySources {
    let sources = sources();
    let missing = sources.missing(&[], world.start, &SystemEntropy::default());
    block_on(world.storage.add_missing_keys(missing)).unwrap();
    sources
}

fn stored(storage: &Storage) -> Vec<StoredKey> {
    block_on(storage.keys()).unwrap()
}

fn plan(
    storage: &Storage,
    sources: &KeySources,
    task: KeyTask,
    now: Timestamp,
) -> Result<KeyChange, KeyRefusal> {
    let plan = KeyPlan::new(task, &stored(storage), now)?;
    Ok(sources.carry_out(plan, &SystemEntropy::default()))
}

fn run(world: &World, sources: &KeySources, task: KeyTask, seconds: i64) -> KeyChangeOutcome {
    let change = plan(&world.storage, sources, task, world.at(seconds)).unwrap();
    block_on(world.storage.change_keys(change)).unwrap()
}

/// The one key of that purpose in that state.
fn only(world: &World, purpose: KeyPurpose, state: KeyState) -> StoredKey {
    let keys = stored(&world.storage);
    let mut found = keys
        .into_iter()
        .filter(|k| k.purpose == purpose && k.state == state);
    let key = found.next().unwrap();
    assert_eq!(found.next(), None);
    key
}

/// A key of an access purpose from its first word to its last; every time is written down, and
/// the secret part goes with the last.
pub fn a_key_goes_its_way(world: &World) {
    let sources = install(world);
    let access = KeyPurpose::Access;
    let first = only(world, access, KeyState::Active);
    run(world, &sources, KeyTask::Rotate(access), 1);
    let next = only(world, access, KeyState::Pending);
    assert_eq!(next.times.published_at, None);

    run(world, &sources, due(), LATER);
    let published = only(world, access, KeyState::Pending).times.published_at;
    assert_eq!(published, Some(world.at(LATER)), "found committed");
    run(world, &sources, due(), LATER + 10);
    assert_eq!(only(world, access, KeyState::Active).kid, first.kid);

    run(world, &sources, due(), LATER + 11);
    let active = only(world, access, KeyState::Active);
    assert_eq!(active.kid, next.kid);
    assert_eq!(active.times.activated_at, Some(world.at(LATER + 11)));
    let retiring = only(world, access, KeyState::Retiring);
    assert_eq!(retiring.times.retiring_at, Some(world.at(LATER + 11)));
    assert_eq!(retiring.sealed, first.sealed);
    assert!(KeyRing::open(&sources, &stored(&world.storage)).is_ok());

    run(world, &sources, due(), 2 * LATER);
    let all = block_on(world.storage.all_keys()).unwrap();
    let retired = all.iter().find(|key| key.kid == first.kid).unwrap();
    assert_eq!(retired.state, KeyState::Retired);
    assert_eq!(retired.times.retired_at, Some(world.at(2 * LATER)));
    assert!(retired.sealed.is_empty());
    assert!(!stored(&world.storage).contains(retired));
    for (kind, times) in [
        ("created", 1),
        ("activated", 1),
        ("retiring", 1),
        ("retired", 1),
    ] {
        assert_eq!(world.audited(&format!("key_{kind}")), times, "{kind}");
    }
}

/// S34: whatever nodes ask for at once, and however often, one key comes of it.
pub fn nodes_that_rotate_at_once_have_one_next_key(world: &World) {
    let sources = install(world);
    let (other, _) = world.another();
    let storages = [&world.storage, &other];
    for round in 1..=4 {
        // Read and decided by all of them before any of them writes.
        let rotate = || KeyTask::Rotate(KeyPurpose::Access);
        let outcomes = at_once(8, |n| {
            let now = world.at(round * LATER);
            let change = plan(storages[n % 2], &sources, rotate(), now);
            change.map(|change| block_on(storages[n % 2].change_keys(change)).unwrap())
        });
        let made = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Ok(KeyChangeOutcome::Made(_))));
        assert_eq!(made.count(), 1, "{outcomes:?}");
        let next = only(world, KeyPurpose::Access, KeyState::Pending);
        // Published, activated, and the old ones retired: by whoever comes first.
        for step in 1..=3 {
            at_once(8, |n| {
                let now = world.at(round * LATER + step * 200);
                let change = plan(storages[n % 2], &sources, due(), now).unwrap();
                block_on(storages[n % 2].change_keys(change)).unwrap();
            });
            assert!(KeyRing::open(&sources, &stored(&world.storage)).is_ok());
        }
        let active = only(world, KeyPurpose::Access, KeyState::Active);
        assert_eq!(active.kid, next.kid);
        let published = stored(&world.storage)
            .into_iter()
            .filter(|k| k.purpose == KeyPurpose::Access);
        assert_eq!(published.count(), 1);
    }
}

/// S34: two administrators do not trust the same key: it is succeeded once.
pub fn a_key_that_is_retired_at_once_has_one_successor(world: &World) {
    let sources = install(world);
    for round in 1..=5 {
        let old = only(world, KeyPurpose::Access, KeyState::Active);
        let retire = || KeyTask::Retire(old.kid.clone());
        let outcomes = at_once(6, |_| {
            let change = plan(&world.storage, &sources, retire(), world.at(round));
            change.map(|change| block_on(world.storage.change_keys(change)).unwrap())
        });
        let made = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, Ok(KeyChangeOutcome::Made(_))));
        assert_eq!(made.count(), 1, "{outcomes:?}");
        assert_ne!(
            only(world, KeyPurpose::Access, KeyState::Active).kid,
            old.kid
        );
        assert!(KeyRing::open(&sources, &stored(&world.storage)).is_ok());
    }
}

/// S34: whatever step fails, none is made, and the next attempt makes all.
pub fn a_change_is_made_whole_or_not_at_all(world: &World) {
    let sources = install(world);
    let access = KeyPurpose::Access;
    let fails = |task: KeyTask, seconds: i64, fault: &str| {
        let before = block_on(world.storage.all_keys()).unwrap();
        let change = plan(&world.storage, &sources, task.clone(), world.at(seconds)).unwrap();
        refuse(&world.database, fault);
        block_on(world.storage.change_keys(change)).unwrap_err();
        allow(&world.database);
        assert_eq!(
            block_on(world.storage.all_keys()).unwrap(),
            before,
            "{fault}"
        );
        assert!(KeyRing::open(&sources, &stored(&world.storage)).is_ok());
    };
    // Retire the active one, make another.
    let retire = KeyTask::Retire(only(world, access, KeyState::Active).kid);
    fails(retire.clone(), 1, "active");
    run(world, &sources, retire, 1);

    // Retire the active one, the next takes over.
    run(world, &sources, KeyTask::Rotate(access), 2);
    let retire = KeyTask::Retire(only(world, access, KeyState::Active).kid);
    fails(retire.clone(), 3, "active");
    fails(retire.clone(), 3, "retired");
    run(world, &sources, retire, 3);

    // The turn of the next one.
    run(world, &sources, KeyTask::Rotate(access), LATER);
    run(world, &sources, due(), LATER);
    for fault in ["active", "retiring"] {
        fails(due(), LATER + 100, fault);
    }
    run(world, &sources, due(), LATER + 100);
    only(world, access, KeyState::Retiring);
    // The log is part of it.
    let events = world.audited("key_retiring");
    assert_eq!(events, 1);
}

/// Makes the database refuse to bring a key into a state.
fn refuse(database: &TestDatabase, state: &str) {
    database.execute(&match database {
        TestDatabase::Sqlite(_) => format!(
            "CREATE TRIGGER refuse_update BEFORE UPDATE ON keys WHEN NEW.state = '{state}'
             BEGIN SELECT RAISE(ABORT, 'refused'); END;
             CREATE TRIGGER refuse_insert BEFORE INSERT ON keys WHEN NEW.state = '{state}'
             BEGIN SELECT RAISE(ABORT, 'refused'); END;"
        ),
        TestDatabase::Postgres { .. } => format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'refused'; END $$;
             CREATE TRIGGER refuse_change BEFORE INSERT OR UPDATE ON keys FOR EACH ROW
             WHEN (NEW.state = '{state}') EXECUTE FUNCTION refuse();"
        ),
    });
}

fn allow(database: &TestDatabase) {
    database.execute(match database {
        TestDatabase::Sqlite(_) => "DROP TRIGGER refuse_update; DROP TRIGGER refuse_insert;",
        TestDatabase::Postgres { .. } => {
            "DROP TRIGGER refuse_change ON keys; DROP FUNCTION refuse;"
        }
    });
}

/// What was decided for other keys than there are now is not made, and what was decided long ago
/// is not dated back.
pub fn a_decision_counts_for_the_keys_it_was_made_for(world: &World) {
    let sources = install(world);
    let access = KeyPurpose::Access;
    let old = only(world, access, KeyState::Active);
    let rotate = plan(
        &world.storage,
        &sources,
        KeyTask::Rotate(access),
        world.at(1),
    )
    .unwrap();
    run(world, &sources, KeyTask::Rotate(access), 1);
    let outcome = block_on(world.storage.change_keys(rotate)).unwrap();
    assert_eq!(outcome, KeyChangeOutcome::Overtaken);

    // Sealed under a master key that is not the one any more.
    let stranger = KeySources {
        master: sources_of_another(),
        ..sources.clone()
    };
    let retire = KeyTask::Retire(old.kid.clone());
    let change = plan(&world.storage, &stranger, retire.clone(), world.at(2)).unwrap();
    let outcome = block_on(world.storage.change_keys(change)).unwrap();
    assert_eq!(outcome, KeyChangeOutcome::Overtaken);

    let long_ago = world.at(-LATER);
    let change = plan(&world.storage, &sources, retire, long_ago).unwrap();
    block_on(world.storage.change_keys(change)).unwrap();
    let active = only(world, access, KeyState::Active);
    assert!(
        active.times.activated_at >= Some(world.start),
        "{:?}",
        active.times
    );
}

fn sources_of_another() -> MasterKey {
    MasterKey::generate(&SystemEntropy::default())
}

/// A pepper that passwords wait for is not retired.
pub fn a_pepper_in_use_stays(world: &World) {
    let sources = install(world);
    let pepper = KeyPurpose::Pepper;
    let first = only(world, pepper, KeyState::Active);
    let rotate = |start: i64| {
        run(world, &sources, KeyTask::Rotate(pepper), start);
        run(world, &sources, due(), start + 1);
        run(world, &sources, due(), start + 100);
        only(world, pepper, KeyState::Active).kid
    };
    let second = rotate(1);
    let third = rotate(LATER);
    world.user("ann");
    let mut bob = world.new_user("bob");
    let marked = format!("{second}:$2b$12$bob");
    bob.password_hash = token_core::password::PasswordHash::from_stored(marked);
    block_on(world.storage.create_user(bob.clone(), world.start)).unwrap();
    let retire = |kid: &KeyId| run(world, &sources, KeyTask::Retire(kid.clone()), 2 * LATER);
    for kid in [&first.kid, &second] {
        assert_eq!(retire(kid), KeyChangeOutcome::PepperInUse(1));
    }
    let before = block_on(world.storage.all_keys()).unwrap();
    assert!(before.iter().all(|key| key.state != KeyState::Retired));

    let (old, new) = (bob.password_hash, format!("{third}:$2b$12$bob"));
    let new = token_core::password::PasswordHash::from_stored(new);
    assert!(block_on(world.storage.renew_hash(bob.user.id, old, new)).unwrap());
    assert!(matches!(retire(&second), KeyChangeOutcome::Made(_)));
    assert_eq!(retire(&first.kid), KeyChangeOutcome::PepperInUse(1));
}

/// S35: every key moves to the new master key, or none; retired ones have nothing to move.
pub fn keys_are_sealed_again_together(world: &World) {
    let sources = install(world);
    let access = KeyPurpose::Access;
    let old = only(world, access, KeyState::Active).kid;
    run(world, &sources, KeyTask::Retire(old), 1);
    run(world, &sources, KeyTask::Rotate(access), 2);
    let before = stored(&world.storage);
    let successor = KeySources {
        master: sources_of_another(),
        ..sources.clone()
    };
    let rewrap = |keys: Vec<StoredKey>| {
        let entropy = SystemEntropy::default();
        let rewrap = sources.rewrap(&successor.master, keys, world.at(3), &entropy);
        block_on(world.storage.rewrap_keys(rewrap.unwrap())).unwrap()
    };
    assert!(!rewrap(before[1..].to_vec()), "not all of them");
    run(world, &sources, due(), 4);
    assert!(!rewrap(before), "one is published by now");
    assert!(KeyRing::open(&sources, &stored(&world.storage)).is_ok());
    assert_eq!(world.audited("keys_rewrapped"), 0);

    assert!(rewrap(stored(&world.storage)));
    assert!(KeyRing::open(&sources, &stored(&world.storage)).is_err());
    assert!(KeyRing::open(&successor, &stored(&world.storage)).is_ok());
    assert_eq!(world.audited("keys_rewrapped"), 1);
    // Who still has the old one makes nothing with it.
    let change = plan(&world.storage, &sources, due(), world.at(LATER)).unwrap();
    let outcome = block_on(world.storage.change_keys(change)).unwrap();
    assert_eq!(outcome, KeyChangeOutcome::Overtaken);
}

/// Keys of a database from before they had times and peppers.
pub fn keys_of_an_older_schema_go_on(world: &World) {
    // A database of its own, as far as it had come.
    let Some(database) = world.database.another() else {
        return;
    };
    let (first, second) = match &database {
        TestDatabase::Sqlite(_) => (
            include_str!("../../../../migrations/sqlite/00000000000001_users_sessions_keys/up.sql"),
            include_str!("../../../../migrations/sqlite/00000000000002_tell_of_ends/up.sql"),
        ),
        TestDatabase::Postgres { .. } => (
            include_str!(
                "../../../../migrations/postgres/00000000000001_users_sessions_keys/up.sql"
            ),
            include_str!("../../../../migrations/postgres/00000000000002_tell_of_ends/up.sql"),
        ),
    };
    database.execute(first);
    database.execute(second);
    database.execute(
        "CREATE TABLE __diesel_schema_migrations (
             version VARCHAR(50) PRIMARY KEY NOT NULL,
             run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
         INSERT INTO __diesel_schema_migrations (version)
         VALUES ('00000000000001'), ('00000000000002');",
    );
    let (bytes, time) = match &database {
        TestDatabase::Sqlite(_) => ("x'0001ff'", "1800000000000000"),
        TestDatabase::Postgres { .. } => ("'\\x0001ff'", "to_timestamp(1800000000)"),
    };
    for (purpose, state) in [
        ("access", "active"),
        ("refresh", "active"),
        ("master_check", "active"),
    ] {
        database.execute(&format!(
            "INSERT INTO keys VALUES ('{purpose}', 'k', 'alg', '{state}', NULL, {bytes}, 'm', {time})"
        ));
    }
    let world = World::new(database);
    let keys = stored(&world.storage);
    assert_eq!(keys.len(), 3);
    let made = Timestamp::from_unix_seconds(1_800_000_000);
    for key in keys {
        assert_eq!((key.kid.as_str(), key.alg.as_str()), ("k", "alg"));
        assert_eq!(
            (key.sealed, key.master_kid.as_str()),
            (vec![0, 1, 255], "m")
        );
        assert_eq!((key.state, key.created_at), (KeyState::Active, made));
        assert_eq!(key.times.published_at, Some(made));
        assert_eq!(key.times.activated_at, Some(made));
        assert_eq!((key.times.retiring_at, key.times.retired_at), (None, None));
    }
    let sources = sources();
    let mut pepper = sources.missing(&[], world.start, &SystemEntropy::default());
    pepper.retain(|key| key.purpose == KeyPurpose::Pepper);
    assert_eq!(
        block_on(world.storage.add_missing_keys(pepper))
            .unwrap()
            .len(),
        4
    );
}
