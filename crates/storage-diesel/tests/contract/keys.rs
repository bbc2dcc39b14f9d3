//! Keys.

use pollster::block_on;
use token_core::id::KeyId;
use token_core::store::{KeyPurpose, KeyState, KeyStore, KeyTimes, StoredKey};

use crate::support::{World, at_once};

fn key(world: &World, kid: &str, purpose: KeyPurpose, alg: &str) -> StoredKey {
    StoredKey {
        kid: KeyId::from_trusted(kid.to_owned()),
        purpose,
        alg: alg.to_owned(),
        state: KeyState::Active,
        public_jwk: (purpose == KeyPurpose::Access).then(|| "{}".to_owned()),
        sealed: vec![0, 1, 255],
        master_kid: "m".to_owned(),
        created_at: world.start,
        times: KeyTimes {
            published_at: Some(world.start),
            activated_at: Some(world.at(1)),
            ..KeyTimes::default()
        },
    }
}

pub fn missing_keys_are_added_once(world: &World) {
    assert!(block_on(world.storage.keys()).unwrap().is_empty());
    let wanted = [
        key(world, "a", KeyPurpose::Access, "ES256"),
        key(world, "m", KeyPurpose::MasterCheck, "check"),
        key(world, "r", KeyPurpose::Refresh, "HKDF"),
    ];
    let add = |keys: &[StoredKey]| block_on(world.storage.add_missing_keys(keys.to_vec())).unwrap();
    assert_eq!(add(&wanted), wanted);
    let later = [
        key(world, "b", KeyPurpose::Access, "ES256"),
        key(world, "c", KeyPurpose::Access, "EdDSA"),
        key(world, "p", KeyPurpose::Pepper, "HKDF"),
    ];
    let expected = [&wanted[0], &wanted[1], &later[2], &wanted[2]];
    assert!(
        add(&later).iter().eq(expected),
        "one purpose has one active key, whatever its algorithm"
    );
    assert!(block_on(world.storage.keys()).unwrap().iter().eq(expected));

    world
        .database
        .execute("UPDATE keys SET state = 'retiring' WHERE kid = 'a'");
    let kids: Vec<_> = add(&later).iter().map(|k| k.kid.to_string()).collect();
    assert_eq!(
        kids,
        ["a", "b", "m", "p", "r"],
        "what is there is not added again"
    );
}

/// S34
pub fn nodes_that_start_at_once_have_one_key(world: &World) {
    let seen = at_once(16, |n| {
        let wanted = vec![
            key(world, &format!("a{n}"), KeyPurpose::Access, "ES256"),
            key(world, &format!("r{n}"), KeyPurpose::Refresh, "HKDF"),
        ];
        block_on(world.storage.add_missing_keys(wanted)).unwrap()
    });
    assert!(seen.iter().all(|keys| *keys == seen[0] && keys.len() == 2));
}
