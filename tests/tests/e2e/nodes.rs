//! Two `renewd` processes on one PostgreSQL database: what one of them does, the
//! other one knows.

mod ends;
mod killed;

use std::collections::HashSet;
use std::sync::Barrier;
use std::thread;

use e2e::client::{assert_alive, assert_dead};
use e2e::{
    BodyClient, Browser, Ctl, Database, Person, Persona, Reply, Server, Setup, Transport, flows,
};
use serde_json::json;

use crate::rotation::successor;
use crate::storm::at_once;

flows!(postgres:
    nodes_that_start_at_once_share_one_key_set,
    a_session_goes_on_at_the_other_node,
    a_hundred_refreshes_over_both_nodes_have_one_successor,
    without_a_window_one_of_a_hundred_wins,
);

/// Two nodes, started at the same moment.
pub fn start_both(setup: Setup) -> (Server, Server) {
    let beside = setup.beside();
    let start = Barrier::new(2);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            start.wait();
            beside.start()
        });
        start.wait();
        let one = setup.start();
        (one, other.join().expect("the other node"))
    })
}

/// S34: on an empty database, again and again: one node migrates and makes the
/// keys, the other one waits and takes them over.
#[expect(clippy::needless_pass_by_value, reason = "a flow takes its database")]
fn nodes_that_start_at_once_share_one_key_set(database: Database) {
    for _ in 0..5 {
        let (a, b) = start_both(Setup::new(database.clone()));
        let published = [&a, &b].map(|node| {
            node.call("GET", "/readyz").send().expect(200);
            for complaint in ["ERROR", "WARN"] {
                assert!(!node.log().contains(complaint), "{}", node.log());
            }
            node.call("GET", "/.well-known/jwks.json")
                .send()
                .expect(200)
                .text()
        });
        assert_eq!(published[0], published[1]);
        let keys = a
            .store()
            .texts("purpose || ' ' || state", "FROM keys ORDER BY purpose");
        assert_eq!(
            keys,
            ["access active", "master_check active", "refresh active"]
        );
        let status = Ctl::of(&b).json(&["db", "status"]);
        assert_eq!(status["pending"], json!([]), "{status}");

        let ada = Person::registered(&a, "ada");
        for (here, there) in [(&a, &b), (&b, &a)] {
            let access = ada.log_in(here).access();
            there
                .call("GET", "/v1/verify")
                .bearer(&access)
                .send()
                .expect(204);
        }
    }
}

/// I1 S52: a login at one node, verification and refresh at the other; the retry of
/// a refresh at the node that did not do it gets the very same successor.
fn a_session_goes_on_at_the_other_node(database: Database) {
    let (a, b) = start_both(Setup::new(database));
    let ada = Person::registered(&a, "ada");
    for (here, there) in [(&a, &b), (&b, &a)] {
        let app = ada.log_in(here);
        let mut moved = BodyClient::with_pair(&there.anonymous(), app.pair.clone());
        go_on(&app, &mut moved, Transport::Body);

        let browser = ada.browse(here);
        let mut moved = Browser::new(&there.anonymous());
        moved.jar.clone_from(&browser.jar);
        go_on(&browser, &mut moved, Transport::Cookie);
    }
}

/// `here` logged in; `there` holds the same tokens and talks to the other node.
fn go_on(here: &dyn Persona, there: &mut dyn Persona, transport: Transport) {
    there.get("/v1/verify").expect(204);
    let parent = there.refresh_token();
    there.refresh().expect(200);
    assert_ne!(there.refresh_token(), parent);
    let again = here.present(&parent).expect(200);
    assert_eq!(successor(&again, transport), Some(there.refresh_token()));
    assert_alive(there);
}

/// I1 S45 S50: all served, by whichever node, with one successor; nobody is
/// logged out.
fn a_hundred_refreshes_over_both_nodes_have_one_successor(database: Database) {
    let (a, b) = start_both(Setup::new(database));
    let ada = Person::registered(&a, "ada");
    for _ in 0..8 {
        for transport in Transport::BOTH {
            let mut client = ada.log_in_by(&a, transport);
            let replies = at_once(100, &[&a, &b], transport, &client.refresh_token());
            let successors: HashSet<String> = replies
                .into_iter()
                .map(|reply| successor(&reply.expect(200), transport).expect("a successor"))
                .collect();
            assert_eq!(successors.len(), 1, "{transport:?}");
            assert_eq!(a.store().session(&client.session(), "generation"), "1");
            client.refresh().expect(200);
            assert!(successors.contains(&client.refresh_token()));
            assert_alive(client.as_mut());
        }
    }
}

/// I1 I3 S45 S46: with a window of 0 one wins, and the others are reuse, which
/// ends the session on both nodes.
fn without_a_window_one_of_a_hundred_wins(database: Database) {
    let (a, b) = start_both(Setup::new(database).set("RENEWD_REPLAY_WINDOW", "0"));
    let ada = Person::registered(&a, "ada");
    for _ in 0..8 {
        let client = ada.log_in(&a);
        let token = client.refresh_token();
        let (won, lost): (Vec<Reply>, Vec<Reply>) =
            at_once(100, &[&a, &b], Transport::Body, &token)
                .into_iter()
                .partition(|reply| reply.status == 200);
        assert_eq!(won.len(), 1, "of a hundred");
        for reply in lost {
            let code = reply.expect(401).any_problem().code();
            assert!(
                ["refresh_token_reused", "session_revoked"].contains(&code.as_str()),
                "{code}"
            );
        }
        for node in [&a, &b] {
            let winner = BodyClient::with_pair(&node.anonymous(), won[0].json());
            ends::refused_after(node, &[winner.access()]);
            assert_dead(&winner);
        }
    }
}
