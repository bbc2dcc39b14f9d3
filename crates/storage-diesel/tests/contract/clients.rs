//! Registered clients.

use pollster::block_on;
use token_core::client::{ClientName, RegisteredClient, Scope};
use token_core::id::{ClientId, SessionId};
use token_core::random::SystemEntropy;
use token_core::session::{EndReason, Session};
use token_core::store::{
    ClientStore, EndSession, FeedStore, NewClient, OpenOutcome, OpenSession, ReplaceClientSession,
    SessionStore,
};
use token_core::token::rotation::{Refusal, RotationOutcome};
use token_core::user::User;

use crate::support::{Token, World, at_once, open_session};

fn registered(world: &World, name: &str) -> RegisteredClient {
    let name = ClientName::parse(name).unwrap();
    let scope = Scope::parse("read write").unwrap();
    let entropy = SystemEntropy::default();
    let (client, session, _) = RegisteredClient::register(name, scope, world.start, &entropy);
    let new = NewClient {
        client: client.clone(),
        session,
    };
    block_on(world.storage.create_client(new)).unwrap();
    client
}

/// A login through that client, not yet asked for.
fn login(world: &World, client: &RegisteredClient, user: &User) -> (OpenSession, Token) {
    let (mut session, mut token) = world.new_session(user, 0);
    session.client_id = client.id.clone();
    token.client_id = client.id.clone();
    (open_session(&session, user), token)
}

fn find(world: &World, id: &ClientId) -> Option<RegisteredClient> {
    block_on(world.storage.client(id.clone())).unwrap()
}

fn delete(world: &World, client: &RegisteredClient) -> Option<u64> {
    block_on(world.storage.delete_client(client.id.clone(), world.at(1))).unwrap()
}

fn fresh(world: &World, client: &RegisteredClient) -> Session {
    Session::of_client(
        &client.id,
        &client.scope,
        world.at(2),
        &SystemEntropy::default(),
    )
}

pub fn a_client_is_stored_whole(world: &World) {
    assert!(block_on(world.storage.clients()).unwrap().is_empty());
    let billing = registered(world, "billing");
    let reports = registered(world, "Reports 山");
    assert_eq!(find(world, &billing.id), Some(billing.clone()));
    let mut all = vec![billing.clone(), reports];
    all.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    assert_eq!(block_on(world.storage.clients()).unwrap(), all);
    assert_eq!(find(world, &ClientId::first_party()), None);
    let heartbeat = block_on(world.storage.heartbeat()).unwrap();
    assert_eq!(heartbeat, None, "nobody can refresh anything");
    let own = world.stored(billing.session_id);
    assert_eq!(
        (own.client_id, own.scope),
        (billing.id, "read write".into())
    );
}

/// The client's own session and those that users have through it, and no other, end with it.
pub fn a_deleted_client_takes_its_sessions_along(world: &World) {
    let ada = world.user("ada");
    let (client, other) = (registered(world, "a"), registered(world, "b"));
    let (open, token) = login(world, &client, &ada);
    assert!(matches!(world.open(open), OpenOutcome::Opened(..)));
    let (elsewhere, _) = login(world, &other, &ada);
    let elsewhere_id = elsewhere.session.id;
    assert!(matches!(world.open(elsewhere), OpenOutcome::Opened(..)));
    let (first_party, _) = world.session(&ada);
    let token = world.advance(&token, 0);

    assert_eq!(delete(world, &client), Some(2));
    for ended in [client.session_id, token.session_id] {
        assert_eq!(world.end_reason(ended), Some(EndReason::Admin));
        assert!(world.knows_ended(ended));
    }
    for live in [first_party.id, other.session_id, elsewhere_id] {
        assert_eq!(world.end_reason(live), None);
    }
    assert!(matches!(
        world.rotate(&token, 3),
        RotationOutcome::Refused(Refusal::Revoked(Some(EndReason::Admin)))
    ));
    assert_eq!(find(world, &client.id), None);
    assert_eq!(delete(world, &client), None);
}

pub fn no_session_is_opened_for_a_client_that_is_gone(world: &World) {
    let ada = world.user("ada");
    let client = registered(world, "a");
    delete(world, &client);
    let (open, token) = login(world, &client, &ada);
    assert!(matches!(world.open(open), OpenOutcome::Refused));
    assert!(
        block_on(world.storage.session(token.session_id))
            .unwrap()
            .is_none()
    );
    let replace = ReplaceClientSession {
        client_id: client.id.clone(),
        ended: client.session_id,
        fresh: fresh(world, &client),
    };
    let replaced = block_on(world.storage.replace_client_session(replace)).unwrap();
    assert_eq!(replaced, None);
}

/// Nodes that find the session ended at once agree on one new one.
pub fn an_ended_session_of_a_client_is_replaced_once(world: &World) {
    let client = registered(world, "a");
    let end = EndSession {
        id: client.session_id,
        of_user: None,
        reason: EndReason::Logout,
        now: world.at(1),
    };
    block_on(world.storage.end_session(end)).unwrap();
    let given = at_once(8, |_| {
        let replace = ReplaceClientSession {
            client_id: client.id.clone(),
            ended: client.session_id,
            fresh: fresh(world, &client),
        };
        block_on(world.storage.replace_client_session(replace)).unwrap()
    });
    let now: SessionId = find(world, &client.id).unwrap().session_id;
    assert_ne!(now, client.session_id);
    assert!(given.iter().all(|id| *id == Some(now)), "{given:?}");
    assert_eq!(world.end_reason(now), None);
    let stored = world.database.number("SELECT count(*) AS n FROM sessions");
    assert_eq!(stored, 2, "the others left nothing behind");
}

/// S57: a login that races the deletion of its client is refused, or ended with the others.
pub fn no_session_survives_the_deletion_of_its_client(world: &World) {
    let ada = world.user("ada");
    for _ in 0..10 {
        let client = registered(world, "a");
        let opened = at_once(8, |n| {
            if n == 0 {
                delete(world, &client);
                return None;
            }
            let (open, token) = login(world, &client, &ada);
            matches!(world.open(open), OpenOutcome::Opened(..)).then_some(token.session_id)
        });
        for session in opened.into_iter().flatten() {
            assert_eq!(world.end_reason(session), Some(EndReason::Admin));
        }
    }
}
