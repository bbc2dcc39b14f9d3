//! The decision table of refresh, row by row, and as properties.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use token_core::id::{AuditId, ClientId, KeyId, SessionId, UserId};
use token_core::key::{RefreshKey, RefreshKeys};
use token_core::policy::{RefreshPolicy, ReusePolicy, SessionPolicy};
use token_core::secret::RefreshSecret;
use token_core::session::{ClientFacts, EndReason, Ended, Outage, Session, Transport};
use token_core::store::AuditKind;
use token_core::time::{Lifetime, Timestamp};
use token_core::token::chain;
use token_core::token::rotation::{Decision, Granted, Presented, Rotation};
use token_core::user::{Email, FullName, User, Username};
use uuid::Uuid;

const START: i64 = 1_800_000_000;
const WINDOW: u32 = 30;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(START + seconds)
}

fn key() -> RefreshKey {
    RefreshKey::from_material(&[1; 32])
}

fn policy() -> SessionPolicy {
    SessionPolicy {
        access_lifetime: Lifetime::from_seconds(900),
        idle_lifetime: Lifetime::from_seconds(100_000),
        max_age: Lifetime::from_seconds(1_000_000),
        refresh: RefreshPolicy::Sliding,
        reuse: ReusePolicy::Strict,
        replay_window: Lifetime::from_seconds(WINDOW),
        leeway: Lifetime::ZERO,
        per_user: 10,
    }
}

fn user() -> User {
    User {
        id: UserId::from_uuid(Uuid::from_u128(1)),
        username: Username::parse("ann").unwrap(),
        email: Email::parse("ann@example.com").unwrap(),
        full_name: FullName::parse("Ann").unwrap(),
        email_verified: false,
        roles: vec![],
        created_at: at(0),
        disabled_at: None,
    }
}

/// The secret of generation `n` of the session.
fn secret(n: u64) -> RefreshSecret {
    let sid = SessionId::from_uuid(Uuid::from_u128(2));
    let first = RefreshSecret::from_bytes([7; 32]);
    (0..n).fold(first, |secret, g| {
        chain::successor(&key(), sid, g, &secret).secret
    })
}

/// The session at generation `n`, rotated at second 0.
fn session(n: u64) -> Session {
    Session {
        id: SessionId::from_uuid(Uuid::from_u128(2)),
        user_id: user().id,
        client_id: ClientId::first_party(),
        scope: String::new(),
        generation: n,
        refresh_digest: secret(n).digest(),
        refresh_kid: key().kid().clone(),
        rotated_at: at(0),
        recovered_generation: None,
        created_at: at(-1_000),
        authenticated_at: at(-1_000),
        expires_at: at(50_000),
        max_expires_at: at(500_000),
        ended: None,
        client: ClientFacts::default(),
        transport: Transport::Body,
        remember: true,
        amr: vec!["pwd".to_owned()],
        status: None,
    }
}

/// Somebody presents the token of generation `n` at `seconds`.
fn rotation(n: u64, seconds: i64) -> Rotation {
    let row = session(n);
    let presented = Presented {
        session_id: row.id,
        user_id: row.user_id,
        client_id: row.client_id,
        transport: row.transport,
        generation: n,
        secret: secret(n),
        expires_at: at(50_000),
    };
    Rotation {
        presented_digest: presented.secret.digest(),
        successor: chain::successor(&key(), row.id, n, &presented.secret),
        presented,
        now: at(seconds),
        audit_id: AuditId::from_uuid(Uuid::from_u128(3)),
        policy: Arc::new(policy()),
        outages: Vec::new(),
        keys: Arc::new(RefreshKeys::new(key(), [])),
    }
}

fn with_policy(mut rotation: Rotation, change: impl FnOnce(&mut SessionPolicy)) -> Rotation {
    let mut policy = policy();
    change(&mut policy);
    rotation.policy = Arc::new(policy);
    rotation
}

fn decide(rotation: &Rotation, row: &Session) -> Decision {
    rotation.decide(Some(row), Some(&user()))
}

#[test]
fn a_token_of_no_or_another_session_is_invalid() {
    assert_eq!(
        rotation(1, 10).decide(None, Some(&user())),
        Decision::Invalid
    );
    let mut other_user = rotation(1, 10);
    other_user.presented.user_id = UserId::from_uuid(Uuid::from_u128(9));
    let mut other_client = rotation(1, 10);
    other_client.presented.client_id = ClientId::from_trusted("other".to_owned());
    let mut other_transport = rotation(1, 10);
    other_transport.presented.transport = Transport::Cookie;
    for foreign in [other_user, other_client, other_transport] {
        assert_eq!(decide(&foreign, &session(1)), Decision::Invalid);
        // Also for a session that is ended, or at another generation: it is none of theirs.
        assert_eq!(decide(&foreign, &session(5)), Decision::Invalid);
    }
}

/// S67: a wrong secret of the current generation never hurts the session.
#[test]
fn another_digest_of_the_same_generation_is_invalid() {
    let mut guess = rotation(3, 10);
    guess.presented_digest = RefreshSecret::from_bytes([9; 32]).digest();
    assert_eq!(decide(&guess, &session(3)), Decision::Invalid);
}

/// S69: ended sessions and users that are gone or disabled.
#[test]
fn ended_sessions_and_inactive_users_are_revoked() {
    let mut ended = session(1);
    ended.ended = Some(Ended {
        at: at(1),
        reason: EndReason::Logout,
    });
    assert_eq!(decide(&rotation(1, 10), &ended), Decision::Revoked);
    assert_eq!(
        rotation(1, 10).decide(Some(&session(1)), None),
        Decision::Revoked
    );
    let disabled = User {
        disabled_at: Some(at(1)),
        ..user()
    };
    assert_eq!(
        rotation(1, 10).decide(Some(&session(1)), Some(&disabled)),
        Decision::Revoked
    );
}

/// S60 S61: idle and absolute end, each exclusive.
#[test]
fn sessions_run_out() {
    assert_eq!(decide(&rotation(1, 50_000), &session(1)), Decision::Expired);
    let row = Session {
        expires_at: at(600_000),
        ..session(1)
    };
    assert_eq!(decide(&rotation(1, 500_000), &row), Decision::Expired);
    assert_eq!(decide(&rotation(1, 499_999), &row), Decision::WriteAgain);
}

#[test]
fn the_current_token_repeats_within_the_window_only() {
    for (seconds, decision) in [
        (0, Decision::Repeat),
        (30, Decision::Repeat),
        (-30, Decision::Repeat),
        (31, Decision::WriteAgain),
        (-31, Decision::WriteAgain),
    ] {
        assert_eq!(
            decide(&rotation(1, seconds), &session(1)),
            decision,
            "{seconds}"
        );
    }
    assert_eq!(
        decide(&rotation(0, 0), &session(0)),
        Decision::WriteAgain,
        "nothing to repeat yet"
    );
}

/// S49 S50 S52: the parent is replayed to the very end of the window; a grandparent never is.
#[test]
fn only_the_direct_parent_is_replayed_and_only_within_the_window() {
    for (seconds, decision) in [
        (0, Decision::Replay),
        (30, Decision::Replay),
        (-30, Decision::Replay),
        (31, Decision::Reuse),
        (-31, Decision::Reuse),
    ] {
        assert_eq!(
            decide(&rotation(4, seconds), &session(5)),
            decision,
            "{seconds}"
        );
    }
    for old in 0..4 {
        assert_eq!(
            decide(&rotation(old, 1), &session(5)),
            Decision::Reuse,
            "{old}"
        );
    }
    let mut forked = session(5);
    forked.refresh_digest = RefreshSecret::from_bytes([9; 32]).digest();
    assert_eq!(
        decide(&rotation(4, 1), &forked),
        Decision::Reuse,
        "not this row's parent"
    );
}

/// A window of zero switches repeat, replay and recovery off.
#[test]
fn without_a_window_every_old_token_is_reuse() {
    for reuse in [ReusePolicy::Strict, ReusePolicy::Recover] {
        let none = |n, seconds| {
            with_policy(rotation(n, seconds), |p| {
                p.replay_window = Lifetime::ZERO;
                p.reuse = reuse;
            })
        };
        assert_eq!(decide(&none(1, 0), &session(1)), Decision::WriteAgain);
        assert_eq!(decide(&none(0, 0), &session(1)), Decision::Reuse);
        assert_eq!(none(0, 0).quiet_window(), None);
    }
}

#[test]
fn late_recovery_is_believed_once_in_sixteen_generations() {
    let recover = |n| with_policy(rotation(n, 31), |p| p.reuse = ReusePolicy::Recover);
    let row = |n, last| Session {
        recovered_generation: last,
        ..session(n)
    };
    for (last, decision) in [
        (None, Decision::LateRecovery),
        (Some(20), Decision::LateRecovery),
        (Some(19), Decision::Reuse),
        (Some(5), Decision::Reuse),
        (Some(4), Decision::LateRecovery),
    ] {
        assert_eq!(decide(&recover(19), &row(20, last)), decision, "{last:?}");
    }
    assert_eq!(
        decide(&recover(18), &row(20, None)),
        Decision::Reuse,
        "a grandparent is not late"
    );
}

#[test]
fn a_token_from_the_future_means_lost_state() {
    assert_eq!(decide(&rotation(2, 10), &session(1)), Decision::StateLost);
    assert_eq!(
        Decision::StateLost.ends_session().map(|(r, _)| r),
        Some(EndReason::StateLost)
    );
    assert_eq!(
        Decision::Reuse.ends_session().map(|(r, _)| r),
        Some(EndReason::ReuseDetected)
    );
}

#[test]
fn reuse_and_lost_state_alone_end_a_session() {
    use Decision as D;
    let ends = |decision: Decision| decision.ends_session();
    let reuse = (EndReason::ReuseDetected, AuditKind::RefreshReused);
    assert_eq!(ends(D::Reuse), Some(reuse));
    let lost = (EndReason::StateLost, AuditKind::StateLost);
    assert_eq!(ends(D::StateLost), Some(lost));
    let others = [D::Invalid, D::Revoked, D::Expired, D::Repeat, D::WriteAgain];
    let others = others
        .into_iter()
        .chain([D::Replay, D::LateRecovery, D::UnknownKey]);
    assert!(others.map(ends).all(|end| end.is_none()));
}

/// I1: the secret of the row's token is found again by whoever has its parent, and by nobody else.
#[test]
fn the_successor_is_computed_again_from_the_parent_alone() {
    let granted = Granted {
        session: session(3),
        user: user(),
    };
    let keys = RefreshKeys::new(key(), []);
    let again = |keys, n| granted.successor_secret(keys, &rotation(n, 10).presented);
    assert_eq!(again(&keys, 2), Some(secret(3)));
    for not_the_parent in [1, 3, 4] {
        assert_eq!(again(&keys, not_the_parent), None);
    }
    let others = RefreshKeys::new(RefreshKey::from_material(&[2; 32]), []);
    assert_eq!(again(&others, 2), None);
}

#[test]
fn a_row_of_an_unknown_key_cannot_be_judged() {
    let row = |n| Session {
        refresh_kid: KeyId::from_trusted("gone".to_owned()),
        ..session(n)
    };
    assert_eq!(decide(&rotation(1, 1), &row(2)), Decision::UnknownKey);
    assert_eq!(
        decide(&rotation(0, 1), &row(2)),
        Decision::Reuse,
        "older than the parent in any case"
    );
    assert_eq!(
        decide(&rotation(2, 1), &row(2)),
        Decision::Repeat,
        "no key needed for that"
    );
}

/// PROTOCOL, refresh, 5: an outage is not held against clients.
#[test]
fn an_outage_is_excused_for_one_window() {
    let outage = Outage {
        started_at: at(20),
        ended_at: at(1_000),
    };
    let late = |seconds| Rotation {
        outages: vec![outage],
        ..rotation(0, seconds)
    };
    assert_eq!(decide(&late(1_000), &session(1)), Decision::Replay);
    assert_eq!(decide(&late(1_030), &session(1)), Decision::Replay);
    assert_eq!(decide(&late(1_031), &session(1)), Decision::Reuse);
    let long_before = Session {
        rotated_at: at(-11),
        ..session(1)
    };
    assert_eq!(decide(&late(1_000), &long_before), Decision::Reuse);
}

/// I2: what an outage excuses is not rotated either, or of two tabs that asked before it the one
/// could leave the other two generations behind. The write says so too.
#[test]
fn an_outage_keeps_a_session_quiet() {
    let outage = Outage {
        started_at: at(20),
        ended_at: at(1_000),
    };
    let window = Duration::from_secs(u64::from(WINDOW));
    let late = |seconds| Rotation {
        outages: vec![outage],
        ..rotation(1, seconds)
    };
    let quiet_from = |seconds| late(seconds).quiet_window().map(|(from, _)| from);
    for seconds in [1_000, 1_030] {
        assert_eq!(decide(&late(seconds), &session(1)), Decision::Repeat);
        assert_eq!(quiet_from(seconds), Some(outage.started_at.minus(window)));
    }
    assert_eq!(decide(&late(1_031), &session(1)), Decision::WriteAgain);
    assert_eq!(quiet_from(1_031), Some(at(1_031).minus(window)));
    let long_before = Session {
        rotated_at: at(-11),
        ..session(1)
    };
    assert_eq!(decide(&late(1_000), &long_before), Decision::WriteAgain);
}

/// I9 of the clock: the window has two sides, so a clock set back stalls nobody.
#[test]
fn the_quiet_window_has_two_sides() {
    let window = Duration::from_secs(u64::from(WINDOW));
    let rotation = rotation(1, 100);
    let expected = (at(100).minus(window), at(100).plus(window));
    assert_eq!(rotation.quiet_window(), Some(expected));
    assert_eq!(rotation.new_idle_end(), Some(at(100_100)));
    let fixed = with_policy(rotation, |p| p.refresh = RefreshPolicy::Fixed);
    assert_eq!(fixed.new_idle_end(), None);
}

proptest! {
    /// Whatever is presented, whenever: no token but the current one writes, none but the current
    /// and its parent is given tokens, and only a genuine older or newer one ends the session.
    #[test]
    fn decisions_are_safe(
        presented in 0_u64..40,
        current in 0_u64..40,
        seconds in -100_i64..100_000,
        recovered in proptest::option::of(0_u64..40),
        recover in any::<bool>(),
        window in 0_u32..300,
        genuine in any::<bool>(),
    ) {
        let mut rotation = with_policy(rotation(presented, seconds), |p| {
            p.replay_window = Lifetime::from_seconds(window);
            p.reuse = if recover { ReusePolicy::Recover } else { ReusePolicy::Strict };
        });
        if !genuine {
            rotation.presented.secret = RefreshSecret::from_bytes([0xee; 32]);
            rotation.presented_digest = rotation.presented.secret.digest();
        }
        let row = Session { recovered_generation: recovered, ..session(current) };
        let decision = decide(&rotation, &row);
        let near = seconds.unsigned_abs() <= u64::from(window) && window > 0;
        match decision {
            Decision::WriteAgain => prop_assert!(genuine && presented == current),
            Decision::Repeat => prop_assert!(genuine && presented == current && near && current > 0),
            Decision::Replay => prop_assert!(genuine && presented + 1 == current && near),
            Decision::LateRecovery => {
                prop_assert!(genuine && presented + 1 == current && !near && recover && window > 0);
            }
            Decision::Reuse => prop_assert!(presented < current),
            Decision::StateLost => prop_assert!(presented > current),
            Decision::Invalid => prop_assert!(!genuine && presented == current),
            Decision::Expired => prop_assert!(seconds >= 50_000),
            Decision::Revoked | Decision::UnknownKey => prop_assert!(false, "{decision:?}"),
        }
    }
}
