//! Keys that change while the clock goes on.

use std::time::Duration;

use pollster::block_on;
use token_core::key::life::KeyTask;
use token_core::key::{AccessAlgorithm, KeyPlan};
use token_core::random::SystemEntropy;
use token_core::store::{KeyPurpose, KeyState, KeyStore};
use token_core::time::Clock;

use crate::fresh;
use crate::node::{Node, Setup};

/// Does what is due with the keys, until nothing is.
fn look_after_keys(node: &Node) {
    while let Some(due) = block_on(node.service.keys_due()).unwrap() {
        let change = node.service.prepare_keys(due);
        block_on(node.service.change_keys(change)).unwrap();
    }
}

/// S32: from one schedule to the next: published, signing, kept as long as its tokens, gone.
#[test]
fn keys_change_by_themselves() {
    let (_directory, node) = fresh();
    let state = || {
        look_after_keys(&node);
        let ring = node.service.keys();
        (ring.access().kid().clone(), ring.published().keys.len())
    };
    let pass = |seconds| node.clock.advance(Duration::from_secs(seconds));
    let (first, published) = state();
    assert_eq!(published, 1);
    pass(90 * 86_400 - 311);
    assert_eq!(state(), (first.clone(), 1));
    pass(1);
    assert_eq!(state(), (first.clone(), 2));
    pass(309);
    assert_eq!(state(), (first.clone(), 2));
    let last = node.login().unwrap().pair.access.token;
    pass(1);
    let (second, published) = state();
    assert_ne!(second, first);
    assert_eq!(published, 2);
    pass(890);
    assert!(node.service.authenticate(last.expose()).is_ok());
    pass(900 + 105 - 890 - 1);
    assert_eq!(state(), (second.clone(), 2));
    pass(1);
    assert_eq!(state(), (second, 1));
    let stored = block_on(node.store.all_keys()).unwrap();
    let wiped = stored.iter().find(|key| key.kid == first).unwrap();
    assert!(wiped.sealed.is_empty());
}

/// S32: a node that is started with another algorithm signs on with the old key until everybody
/// can have the new one; where nothing is stored it begins with it.
#[test]
fn another_algorithm_takes_over_in_its_time() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("renewd.db");
    let setup = Setup::new();
    let with = |algorithm| Setup {
        algorithm,
        ..setup.clone()
    };
    let alg = |node: &Node| {
        look_after_keys(node);
        let pair = node.login().unwrap().pair;
        assert!(
            node.service
                .authenticate(pair.access.token.expose())
                .is_ok()
        );
        let ring = node.service.keys();
        let jwk = ring.access().public().unwrap();
        serde_json::to_value(jwk).unwrap()["alg"].clone()
    };
    let node = Node::start(&path, &with(AccessAlgorithm::EdDsa)).unwrap();
    node.register();
    assert_eq!(alg(&node), "EdDSA");
    drop(node);
    let node = Node::start(&path, &with(AccessAlgorithm::Es256)).unwrap();
    assert_eq!(alg(&node), "EdDSA");
    node.clock.advance(Duration::from_secs(309));
    assert_eq!(alg(&node), "EdDSA");
    node.clock.advance(Duration::from_secs(1));
    assert_eq!(alg(&node), "ES256");
}

/// S32: sessions may have begun when they were configured to last longer. None of them ends because
/// a refresh key retires on schedule: it stays for as long as one needs it.
#[test]
fn a_refresh_key_stays_while_a_session_needs_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("renewd.db");
    let setup = Setup::new();
    let node = Node::start(&path, &setup).unwrap();
    node.register();
    let long = node.login().unwrap().pair;
    drop(node);

    let short = Setup {
        max_age: "10d",
        ..setup
    };
    let node = Node::start(&path, &short).unwrap();
    let old = long.session.refresh_kid.clone();
    let state = || {
        look_after_keys(&node);
        let all = block_on(node.store.all_keys()).unwrap();
        all.into_iter().find(|key| key.kid == old).unwrap().state
    };
    let pass = |days: u64| node.clock.advance(Duration::from_hours(24 * days));
    let stored = block_on(node.store.keys()).unwrap();
    let plan = KeyPlan::new(
        KeyTask::Rotate(KeyPurpose::Refresh),
        &stored,
        node.clock.now(),
    );
    let change = short
        .sources()
        .carry_out(plan.unwrap(), &SystemEntropy::default());
    block_on(node.service.change_keys(change)).unwrap();
    assert_eq!(state(), KeyState::Active);
    pass(1);
    assert_eq!(state(), KeyState::Retiring);
    // A session of the new age would be over.
    pass(12);
    assert_eq!(state(), KeyState::Retiring);
    node.refresh(long.refresh.expose()).unwrap();
    pass(76);
    assert_eq!(state(), KeyState::Retiring);
    pass(1);
    assert_eq!(state(), KeyState::Retired);
}
