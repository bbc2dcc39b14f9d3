//! Each rule of the life of keys.

use std::time::Duration;

use token_core::id::KeyId;
use token_core::key::life::{KeyLife, KeyRefusal, KeyTask};
use token_core::store::{KeyPurpose, KeyState};

use super::table::Table;
use super::{at, life};

const MANAGED: [KeyPurpose; 3] = [KeyPurpose::Access, KeyPurpose::Refresh, KeyPurpose::Pepper];

/// A table with its first keys, made at 0.
fn installed() -> Table {
    let mut table = Table::default();
    table.run(&KeyTask::Due(life()), at(0)).unwrap();
    table
}

fn due(table: &mut Table, seconds: i64) {
    table.run(&KeyTask::Due(life()), at(seconds)).unwrap();
}

fn kid(text: &str) -> KeyId {
    KeyId::from_trusted(text.to_owned())
}

#[test]
fn the_first_keys_are_active_at_once() {
    let table = installed();
    for purpose in MANAGED {
        assert_eq!(table.kids(purpose, KeyState::Active).len(), 1);
        assert!(table.kids(purpose, KeyState::Pending).is_empty());
    }
    let nothing = KeyTask::Due(life()).decide(&table.live(), at(1)).unwrap();
    assert_eq!(nothing, []);
}

#[test]
fn configured_secrets_leave_nothing_to_manage() {
    let configured = KeyLife {
        access: None,
        refresh: false,
        ..life()
    };
    let mut table = Table::default();
    table.run(&KeyTask::Due(configured), at(0)).unwrap();
    let purposes: Vec<_> = table.keys.iter().map(|key| key.purpose).collect();
    assert_eq!(purposes, [KeyPurpose::Pepper]);
}

/// S32: a scheduled rotation, from the first word of the new key to the end of the old one.
#[test]
fn an_access_key_is_succeeded_on_schedule() {
    let mut table = installed();
    let access = |table: &Table, state| table.kids(KeyPurpose::Access, state).join(" ");
    let (old, new) = ("access-1", "access-4");

    // Early enough that the successor can take over at the appointed second, or almost.
    due(&mut table, 929);
    assert_eq!(access(&table, KeyState::Pending), "");
    due(&mut table, 930);
    assert_eq!(access(&table, KeyState::Pending), new);
    // Counted from the moment at which it was found committed.
    due(&mut table, 940);
    due(&mut table, 1_009);
    assert_eq!(access(&table, KeyState::Active), old);
    due(&mut table, 1_010);
    assert_eq!(access(&table, KeyState::Active), new);
    assert_eq!(access(&table, KeyState::Retiring), old);
    due(&mut table, 1_414);
    assert_eq!(access(&table, KeyState::Retiring), old);
    due(&mut table, 1_415);
    assert_eq!(access(&table, KeyState::Retired), old);
    // The schedule counts from the takeover.
    due(&mut table, 1_939);
    assert_eq!(access(&table, KeyState::Pending), "");
    due(&mut table, 1_940);
    assert_ne!(access(&table, KeyState::Pending), "");
}

#[test]
fn without_a_schedule_nothing_happens_by_itself() {
    let mut table = installed();
    let still = KeyTask::Due(KeyLife {
        rotation: None,
        ..life()
    });
    assert_eq!(still.decide(&table.live(), at(1_000_000_000)), Ok(vec![]));
    // The others have none at all.
    due(&mut table, 1_000_000_000);
    for purpose in [KeyPurpose::Refresh, KeyPurpose::Pepper] {
        assert!(table.kids(purpose, KeyState::Pending).is_empty());
    }
}

/// Each waits for as long as others need to learn of it, and for as long as it is needed itself.
#[test]
fn every_purpose_is_rotated_on_command() {
    for (purpose, lead, kept) in [
        (KeyPurpose::Access, 70, Some(405)),
        (KeyPurpose::Refresh, 10, Some(10_045)),
        (KeyPurpose::Pepper, 10, None),
    ] {
        let seconds = Duration::from_secs;
        assert_eq!(life().lead(purpose), seconds(lead));
        assert_eq!(life().kept(purpose), kept.map(seconds));
        let lead = i64::try_from(lead).unwrap();
        let mut table = installed();
        table.run(&KeyTask::Rotate(purpose), at(5)).unwrap();
        let next = table.kids(purpose, KeyState::Pending).concat();
        assert_eq!(
            table.run(&KeyTask::Rotate(purpose), at(6)),
            Err(KeyRefusal::AlreadyPending(kid(&next)))
        );
        due(&mut table, 10);
        due(&mut table, 9 + lead);
        assert_eq!(table.kids(purpose, KeyState::Pending), [next.as_str()]);
        due(&mut table, 10 + lead);
        assert_eq!(table.kids(purpose, KeyState::Active), [next.as_str()]);
        let end = 10 + lead + i64::try_from(kept.unwrap_or(1_000_000_000)).unwrap();
        due(&mut table, end - 1);
        assert_eq!(table.kids(purpose, KeyState::Retiring).len(), 1);
        due(&mut table, end);
        let left = table.kids(purpose, KeyState::Retiring).len();
        assert_eq!(left, usize::from(kept.is_none()), "{purpose:?}");
    }
    let mut empty = Table::default();
    let refused = empty.run(&KeyTask::Rotate(KeyPurpose::Access), at(0));
    assert_eq!(refused, Err(KeyRefusal::NoneActive("access")));
}

/// S33: the key is refused with the same commit that names its successor.
#[test]
fn a_retired_key_is_succeeded_at_once() {
    let mut table = installed();
    table.run(&KeyTask::Retire(kid("access-1")), at(5)).unwrap();
    assert_eq!(
        table.kids(KeyPurpose::Access, KeyState::Retired),
        ["access-1"]
    );
    assert_eq!(
        table.kids(KeyPurpose::Access, KeyState::Active),
        ["access-4"]
    );

    // The next one, if there is one on its way.
    table
        .run(&KeyTask::Rotate(KeyPurpose::Access), at(6))
        .unwrap();
    table.run(&KeyTask::Retire(kid("access-4")), at(7)).unwrap();
    assert_eq!(
        table.kids(KeyPurpose::Access, KeyState::Active),
        ["access-5"]
    );
    assert!(table.kids(KeyPurpose::Access, KeyState::Pending).is_empty());

    // Keys that do not sign just go.
    for purpose in MANAGED {
        table.run(&KeyTask::Rotate(purpose), at(8)).unwrap();
        let next = table.kids(purpose, KeyState::Pending).concat();
        table.run(&KeyTask::Retire(kid(&next)), at(9)).unwrap();
        assert_eq!(table.kids(purpose, KeyState::Active).len(), 1);
        assert!(table.kids(purpose, KeyState::Pending).is_empty());
    }
    for gone in ["access-1", "nobody", ""] {
        let refused = table.run(&KeyTask::Retire(kid(gone)), at(10));
        assert_eq!(refused, Err(KeyRefusal::NoSuchKey(kid(gone))));
    }
}

/// Without a pepper nobody could set a password.
#[test]
fn the_active_pepper_stays() {
    let mut table = installed();
    let pepper = kid(&table.kids(KeyPurpose::Pepper, KeyState::Active).concat());
    let refused = table.run(&KeyTask::Retire(pepper.clone()), at(5));
    assert_eq!(refused, Err(KeyRefusal::ActivePepper(pepper)));
}

/// Nor does one that a node may still be hashing with.
#[test]
fn a_pepper_that_was_just_replaced_stays_for_a_moment() {
    let mut table = installed();
    table
        .run(&KeyTask::Rotate(KeyPurpose::Pepper), at(0))
        .unwrap();
    due(&mut table, 1);
    due(&mut table, 11);
    let old = kid(&table.kids(KeyPurpose::Pepper, KeyState::Retiring).concat());
    let retire = KeyTask::Retire(old.clone());
    let refused = table.run(&retire, at(11 + 39));
    assert_eq!(refused, Err(KeyRefusal::RecentPepper(old)));
    assert_eq!(table.run(&retire, at(11 + 40)), Ok(()));
}

#[test]
fn another_algorithm_waits_until_its_key_is_known() {
    let mut table = installed();
    let active = |table: &Table| {
        let keys = table.live().into_iter();
        let mut keys =
            keys.filter(|k| k.purpose == KeyPurpose::Access && k.state == KeyState::Active);
        keys.next().unwrap().alg
    };
    let ask = |table: &mut Table, alg, seconds| {
        table.run(&KeyTask::Algorithm(alg), at(seconds)).unwrap();
    };
    ask(&mut table, "ES256", 1);
    assert!(table.kids(KeyPurpose::Access, KeyState::Pending).is_empty());
    ask(&mut table, "EdDSA", 2);
    // Nodes that start one after the other ask for the same.
    ask(&mut table, "EdDSA", 3);
    assert_eq!(table.kids(KeyPurpose::Access, KeyState::Pending).len(), 1);
    // Changed again, and back, before it took over.
    ask(&mut table, "RS256", 4);
    ask(&mut table, "EdDSA", 5);
    assert_eq!(table.kids(KeyPurpose::Access, KeyState::Retired).len(), 2);
    due(&mut table, 6);
    due(&mut table, 75);
    assert_eq!(active(&table), "ES256");
    due(&mut table, 76);
    assert_eq!(active(&table), "EdDSA");
    ask(&mut table, "RS256", 80);
    ask(&mut table, "EdDSA", 81);
    assert!(table.kids(KeyPurpose::Access, KeyState::Pending).is_empty());

    // Where nothing is stored yet, the first key is of that algorithm anyway.
    assert_eq!(KeyTask::Algorithm("RS256").decide(&[], at(0)), Ok(vec![]));
}

/// Keys of a database that knew no times: they count from when they were made.
#[test]
fn keys_without_times_go_on() {
    let mut table = installed();
    for key in &mut table.keys {
        key.times = token_core::store::KeyTimes::default();
    }
    due(&mut table, 929);
    assert!(table.kids(KeyPurpose::Access, KeyState::Pending).is_empty());
    due(&mut table, 930);
    assert_eq!(table.kids(KeyPurpose::Access, KeyState::Pending).len(), 1);
}
