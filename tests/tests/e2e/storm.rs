//! Many requests at once, and the process killed under them.

use std::collections::HashSet;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use e2e::client::{assert_alive, assert_dead};
use e2e::{
    BodyClient, Database, Person, Persona, Reply, Server, Setup, Transport, clock, flows, jwt,
};

use crate::rotation::successor;

flows!(
    a_hundred_refreshes_at_once_have_one_successor,
    concurrent_reuse_leaves_no_branch_alive,
    nothing_acknowledged_is_lost_when_the_process_is_killed,
);

/// I1 S45 S50: one hundred at once: one successor, all served, nobody logged out.
fn a_hundred_refreshes_at_once_have_one_successor(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    for transport in [Transport::Body, Transport::Cookie, Transport::Body] {
        let mut client = ada.log_in_by(&server, transport);
        let token = client.refresh_token();
        let replies = at_once(100, &[&server], transport, &token);
        let mut successors = HashSet::new();
        for reply in replies {
            let reply = reply.expect(200);
            successors.insert(successor(&reply, transport).expect("a successor"));
        }
        assert_eq!(successors.len(), 1, "{transport:?}");
        assert_eq!(server.store().session(&client.session(), "generation"), "1");
        client.refresh().expect(200);
        assert!(successors.contains(&client.refresh_token()));
        assert_alive(client.as_mut());
    }
}

/// I1 I3 S45: without a window at most one wins, and then reuse ends all.
fn concurrent_reuse_leaves_no_branch_alive(database: Database) {
    let server = Setup::new(database)
        .set("RENEWD_REPLAY_WINDOW", "0")
        .start();
    let ada = Person::registered(&server, "ada");
    for _ in 0..5 {
        let client = ada.log_in(&server);
        let replies = at_once(20, &[&server], Transport::Body, &client.refresh_token());
        let won: HashSet<String> = replies
            .iter()
            .filter(|reply| reply.status == 200)
            .map(|reply| reply.string("refresh_token"))
            .collect();
        assert!(won.len() <= 1, "two live branches");
        for reply in replies.into_iter().filter(|reply| reply.status != 200) {
            assert!(["refresh_token_reused", "session_revoked"].contains(&reply.code().as_str()));
        }
        for token in &won {
            client.present(token).problem(401, "session_revoked");
        }
        assert_dead(&client);
    }
}

/// Presents one refresh token so many times at one moment, to these nodes in turn.
pub fn at_once(count: usize, nodes: &[&Server], transport: Transport, token: &str) -> Vec<Reply> {
    let start = Barrier::new(count);
    thread::scope(|scope| {
        let racers: Vec<_> = nodes
            .iter()
            .cycle()
            .take(count)
            .map(|node| {
                let (call, start) = (node.call("POST", "/v1/refresh"), &start);
                let call = match transport {
                    Transport::Body => call.json(serde_json::json!({ "refresh_token": token })),
                    Transport::Cookie => call.cookie(e2e::client::REFRESH_COOKIE, token),
                };
                scope.spawn(move || {
                    start.wait();
                    call.send()
                })
            })
            .collect();
        racers
            .into_iter()
            .map(|racer| racer.join().expect("a racer"))
            .collect()
    })
}

/// I4 I7 S54 S59 S137: kill -9 while refreshes and logouts are under way. What was
/// acknowledged is there; what was not is either done or not, never half.
fn nothing_acknowledged_is_lost_when_the_process_is_killed(database: Database) {
    const SESSIONS: usize = 60;
    let mut server = Setup::new(database)
        .set("RENEWD_SESSIONS_PER_USER", "1000")
        .start();
    let ada = Person::registered(&server, "ada");
    let mut refreshing: Vec<BodyClient> = (0..SESSIONS).map(|_| ada.log_in(&server)).collect();
    let mut leaving: Vec<BodyClient> = (0..SESSIONS).map(|_| ada.log_in(&server)).collect();

    let acknowledged = AtomicUsize::new(0);
    let (refreshed, left): (Vec<bool>, Vec<bool>) = thread::scope(|scope| {
        let count = &acknowledged;
        let refreshers = scope.spawn(move || {
            let done: Vec<bool> = refreshing_all(&mut refreshing, count);
            (refreshing, done)
        });
        let leavers = scope.spawn(move || {
            let done: Vec<bool> = leaving_all(&mut leaving, count);
            (leaving, done)
        });
        clock::eventually("half of the storm", || {
            (count.load(Ordering::SeqCst) >= SESSIONS).then_some(())
        });
        server.kill();
        let (refreshing, refreshed) = refreshers.join().expect("the refreshers");
        let (leaving, left) = leavers.join().expect("the leavers");
        server.restart();
        for (client, acknowledged) in refreshing.into_iter().zip(&refreshed) {
            check_refreshed(client, *acknowledged);
        }
        for (mut client, acknowledged) in leaving.into_iter().zip(&left) {
            if *acknowledged {
                assert_dead(&client);
            } else if client.get("/v1/verify").status == 204 {
                assert_alive(&mut client);
            } else {
                assert_dead(&client);
            }
        }
        (refreshed, left)
    });
    let lost = |done: &[bool]| done.iter().filter(|done| !**done).count();
    assert!(
        lost(&refreshed) + lost(&left) > 0,
        "the kill came too late to test anything"
    );
}

fn refreshing_all(clients: &mut [BodyClient], count: &AtomicUsize) -> Vec<bool> {
    clients
        .iter_mut()
        .map(|client| {
            let body = serde_json::json!({ "refresh_token": client.refresh_token() });
            let reply = client.call("POST", "/v1/refresh").json(body).try_send();
            let done = reply.is_ok_and(|reply| {
                client.pair = reply.expect(200).json();
                true
            });
            count.fetch_add(usize::from(done), Ordering::SeqCst);
            done
        })
        .collect()
}

fn leaving_all(clients: &mut [BodyClient], count: &AtomicUsize) -> Vec<bool> {
    clients
        .iter_mut()
        .map(|client| {
            let done = client
                .call("POST", "/v1/logout")
                .try_send()
                .is_ok_and(|reply| {
                    reply.expect(204);
                    true
                });
            count.fetch_add(usize::from(done), Ordering::SeqCst);
            done
        })
        .collect()
}

fn check_refreshed(mut client: BodyClient, acknowledged: bool) {
    let held = client.refresh_token();
    assert_eq!(jwt::integer(&held, "gen"), i64::from(acknowledged));
    client.refresh().expect(200);
    if acknowledged {
        // The very token: the rotation was in the database before its answer.
        assert_eq!(client.refresh_token(), held);
    } else {
        assert_eq!(jwt::integer(&client.refresh_token(), "gen"), 1);
    }
    client.get("/v1/me").expect(200);
}
