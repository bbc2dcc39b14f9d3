//! The use cases of token-core over a real SQLite file, where a test has to hold the clock, the
//! hasher or the throttle in its hand.

#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests fail by panicking, also in their helpers"
)]

mod keys;
mod node;

use std::sync::Arc;
use std::time::Duration;

use node::{Node, Setup};
use pollster::block_on;
use token_core::key::{KeyRingError, MasterKey};
use token_core::password::PresentedPassword;
use token_core::random::SystemEntropy;
use token_core::service::{
    AccessRefused, LoginError, LogoutRequest, PasswordError, RefreshError, StartError,
};
use token_core::session::{ClientFacts, EndReason};
use token_core::store::{KeyStore, UserStore};
use token_core::throttle::AccountKey;
use token_core::time::Clock;
use token_core::user::Identifier;

fn fresh() -> (tempfile::TempDir, Node) {
    let directory = tempfile::tempdir().unwrap();
    let node = Node::start(&directory.path().join("renewd.db"), &Setup::new()).unwrap();
    node.register();
    (directory, node)
}

/// Two nodes on one file and with one master key, with an account.
fn two_nodes() -> (tempfile::TempDir, Node, Node) {
    let directory = tempfile::tempdir().unwrap();
    let (path, setup) = (directory.path().join("renewd.db"), Setup::new());
    let [here, there] = [0, 1].map(|_| Node::start(&path, &setup).unwrap());
    here.register();
    (directory, here, there)
}

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// S55: a clock set back or forth logs nobody out and brings nothing back.
#[test]
fn a_stepped_clock_neither_logs_out_nor_resurrects() {
    for step in [-DAY, -HOUR, HOUR, DAY] {
        let (_directory, node) = fresh();
        let pair = node.login().unwrap().pair;
        let ended = node.login().unwrap().pair;
        let logout = LogoutRequest {
            access: Some(ended.access.token.expose()),
            refresh: None,
        };
        block_on(node.service.logout(logout)).unwrap();
        let first = node.refresh(pair.refresh.expose()).unwrap().pair;
        node.clock.advance(Duration::from_mins(5));
        let second = node.refresh(first.refresh.expose()).unwrap().pair;

        node.clock.step(step);
        // Not this moment's token any more: the answer tells the client to refresh, not to log in.
        let verdict = node.service.authenticate(second.access.token.expose());
        assert_eq!(verdict.err(), Some(AccessRefused::Expired), "{step}");
        let verdict = node.service.authenticate(ended.access.token.expose());
        assert!(verdict.is_err(), "{step}");
        let refused = node.refresh(ended.refresh.expose()).err();
        assert!(
            matches!(
                refused,
                Some(RefreshError::SessionEnded(Some(EndReason::Logout)))
            ),
            "{step}: {refused:?}"
        );
        let third = node.refresh(second.refresh.expose()).unwrap().pair;
        assert!(
            node.service
                .authenticate(third.access.token.expose())
                .is_ok()
        );

        // The clock is put right again.
        node.clock.step(-step);
        let fourth = node.refresh(third.refresh.expose()).unwrap().pair;
        assert!(
            node.service
                .authenticate(fourth.access.token.expose())
                .is_ok()
        );
        let old = node.refresh(first.refresh.expose()).err();
        assert!(matches!(old, Some(RefreshError::Reused)), "{step}: {old:?}");
    }
}

/// I5: what a node passed over as too old while its clock was ahead, it reads when that is put right.
#[test]
fn an_end_missed_by_a_clock_ahead_is_read_when_it_is_put_right() {
    let (_directory, here, there) = two_nodes();
    let token = here.login().unwrap().pair.access.token;
    assert!(there.service.authenticate(token.expose()).is_ok());
    let logout = LogoutRequest {
        access: Some(token.expose()),
        refresh: None,
    };
    block_on(here.service.logout(logout)).unwrap();
    there.clock.step(DAY);
    block_on(there.service.poll_ended_sessions()).unwrap();
    there.clock.step(-DAY);
    block_on(there.service.poll_ended_sessions()).unwrap();
    let verdict = there.service.authenticate(token.expose());
    assert_eq!(verdict.err(), Some(AccessRefused::SessionEnded));
}

/// I5: whoever is told that a session has ended may rely on it, also where it had ended before, and
/// long before by a clock that is wrong.
#[test]
fn an_end_that_was_told_by_a_clock_ahead_holds_when_it_is_put_right() {
    let (_directory, here, there) = two_nodes();
    let token = here.login().unwrap().pair.access.token;
    let logout = || LogoutRequest {
        access: Some(token.expose()),
        refresh: None,
    };
    block_on(here.service.logout(logout())).unwrap();
    there.clock.step(DAY);
    block_on(there.service.logout(logout())).unwrap();
    there.clock.step(-DAY);
    let verdict = there.service.authenticate(token.expose());
    assert_eq!(verdict.err(), Some(AccessRefused::SessionEnded));
}

/// S84 S85: what storage would have to say of it would take time, which tells that it was right.
#[test]
fn a_disabled_users_right_password_asks_for_no_more_than_a_wrong_one() {
    let (_directory, node) = fresh();
    let user = node.login().unwrap().user.id;
    block_on(node.store.disable_user(user, node.clock.now())).unwrap();
    let before = node.store.commit_stats().units;
    assert!(matches!(
        node.login().err(),
        Some(LoginError::InvalidCredentials)
    ));
    assert_eq!(node.store.commit_stats().units, before);
}

/// S25: a token that was found good a moment ago, and is remembered, dies with its session.
#[test]
fn a_remembered_token_dies_with_its_session() {
    let (_directory, node) = fresh();
    let pair = node.login().unwrap().pair;
    let verdict = || node.service.authenticate(pair.access.token.expose());
    assert!(Arc::ptr_eq(&verdict().unwrap(), &verdict().unwrap()));
    let logout = LogoutRequest {
        access: Some(pair.access.token.expose()),
        refresh: None,
    };
    block_on(node.service.logout(logout)).unwrap();
    assert_eq!(verdict().err(), Some(AccessRefused::SessionEnded));
}

/// S100: a token from before the clock was set back still logs out.
#[test]
fn a_token_from_the_future_logs_out() {
    let (_directory, node) = fresh();
    let pair = node.login().unwrap().pair;
    node.clock.step(-HOUR);
    let logout = LogoutRequest {
        access: Some(pair.access.token.expose()),
        refresh: None,
    };
    block_on(node.service.logout(logout)).unwrap();
    let refused = node.refresh(pair.refresh.expose()).err();
    assert!(
        matches!(refused, Some(RefreshError::SessionEnded(_))),
        "{refused:?}"
    );
}

/// S80: a login whose hash is renewed at another cost while it runs is still right.
#[test]
fn a_login_survives_the_renewal_of_its_hash() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("renewd.db");
    let setup = Setup::new();
    let cheap = Node::start(&path, &setup).unwrap();
    cheap.register();
    drop(cheap);
    let node = Arc::new(Node::start(&path, &Setup { cost: 11, ..setup }).unwrap());
    let renewal = node.login().unwrap().renewal.unwrap();
    let other = Arc::clone(&node);
    *node.hashing.after_verify.lock().unwrap() = Some(Box::new(move || {
        block_on(other.service.renew_hash(renewal)).unwrap();
    }));
    let login = node.login().unwrap();
    assert!(
        login.renewal.is_none(),
        "the hash is of the new cost by now"
    );
    let stored = block_on(node.store.credentials(Identifier::username("ada")))
        .unwrap()
        .unwrap();
    assert!(stored.password_hash.as_str().starts_with("$2b$11$"));
}

/// S35: a wrong master key is told before anything is sealed with it.
#[test]
fn a_wrong_master_key_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("renewd.db");
    let right = Setup {
        secrets: true,
        ..Setup::new()
    };
    drop(Node::start(&path, &right).unwrap());
    let wrong = Setup {
        master: MasterKey::generate(&SystemEntropy::default()),
        secrets: false,
        ..right.clone()
    };
    let error = Node::start(&path, &wrong).err();
    assert!(
        matches!(error, Some(StartError::Keys(KeyRingError::WrongMasterKey))),
        "{error:?}"
    );
    let node = Node::start(
        &path,
        &Setup {
            secrets: false,
            ..right
        },
    )
    .unwrap();
    let keys = block_on(node.store.keys()).unwrap();
    assert_eq!(keys.len(), 4, "the probe and one key of each kind");
}

/// S90: every path that checks a password counts on the same account.
#[test]
fn every_password_check_is_counted_alike() {
    let (_directory, node) = fresh();
    let login = node.login().unwrap();
    let token = login.pair.access.token;
    let caller = block_on(node.service.authenticate_with_state(token.expose())).unwrap();
    let wrong = PresentedPassword::new("wrong");
    let facts = ClientFacts::default();
    let policy = node.service.password_policy();
    let new = policy.candidate("difference engine no. 2", &[]).unwrap();
    let change = node
        .service
        .change_password(&caller, wrong.clone(), new, facts.clone());
    assert!(matches!(
        block_on(change).err(),
        Some(PasswordError::PasswordIncorrect)
    ));
    let delete = node.service.delete_account(&caller, wrong, &facts);
    assert!(matches!(
        block_on(delete).err(),
        Some(PasswordError::PasswordIncorrect)
    ));
    let account = AccountKey::User(login.user.id);
    assert_eq!(*node.throttle.0.lock().unwrap(), vec![account; 3]);
}

/// Replays from another client are noted once for each generation; those of the same are not.
#[test]
fn replays_from_elsewhere_are_noted_once() {
    let (_directory, node) = fresh();
    let pair = node.login().unwrap().pair;
    let token = pair.refresh.expose();
    assert!(node.refresh(token).unwrap().audit.is_none());
    assert!(node.refresh(token).unwrap().audit.is_none());
    let noted = node.refresh_as(token, "thief").unwrap().audit.unwrap();
    assert_eq!(noted.session_id, Some(pair.session.id));
    assert!(noted.detail.contains("generation=1") && !noted.detail.contains(token));
    block_on(node.service.record(noted)).unwrap();
    assert!(node.refresh_as(token, "thief").unwrap().audit.is_none());
}

/// S73: what a sweep has deleted stays refused, and no token of it ever works again.
#[test]
fn a_swept_session_stays_dead() {
    let (_directory, node) = fresh();
    let pair = node.login().unwrap().pair;
    let next = node.refresh(pair.refresh.expose()).unwrap().pair;
    let logout = LogoutRequest {
        access: Some(next.access.token.expose()),
        refresh: None,
    };
    block_on(node.service.logout(logout)).unwrap();
    assert_eq!(
        block_on(node.service.sweep()).unwrap(),
        0,
        "kept for a while"
    );
    node.clock.advance(Duration::from_hours(31 * 24));
    assert_eq!(block_on(node.service.sweep()).unwrap(), 1);
    for token in [pair.refresh, next.refresh] {
        let refused = node.refresh(token.expose()).err();
        assert!(
            matches!(refused, Some(RefreshError::Invalid)),
            "{refused:?}"
        );
    }
}

/// S85: what is wrong is wrong at any cost, and right at any cost.
#[test]
fn passwords_of_another_cost_are_compared() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("renewd.db");
    let dear = Setup {
        cost: 11,
        ..Setup::new()
    };
    let node = Node::start(&path, &dear).unwrap();
    node.register();
    drop(node);
    let node = Node::start(&path, &Setup { cost: 10, ..dear }).unwrap();
    let renewal = node.login().unwrap().renewal.unwrap();
    block_on(node.service.renew_hash(renewal)).unwrap();
    assert!(node.login().unwrap().renewal.is_none());
}
