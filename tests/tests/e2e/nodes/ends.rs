//! How soon a node refuses the access tokens of a session that ended at another.

use std::thread;
use std::time::{Duration, Instant};

use e2e::{BodyClient, Ctl, Database, Person, Persona, Reply, Server, Setup, flows};
use serde_json::json;

use super::start_both;

flows!(postgres:
    a_logout,
    a_logout_of_all,
    a_password_change,
    a_disabling_by_renewctl,
);

/// What is usual between two nodes. Half of the delays must be shorter; not all, since the machine
/// may be busy with other things at any moment.
const USUAL: Duration = Duration::from_millis(500);
/// `RENEWD_FEED_MAX_STALENESS`: beyond this no delay is explained by a busy machine.
const BOUND: Duration = Duration::from_secs(10);

/// I5 S99: and the user's other session goes on.
fn a_logout(database: Database) {
    let nodes = start_both(Setup::new(database));
    let ada = Person::registered(&nodes.0, "ada");
    report("logout", 40, |number| {
        let mut round = Round::open(&nodes, number, &ada);
        round.client.log_out().expect(204);
        let delay = refused_after(round.there, &round.access[..1]);
        round.other.get("/v1/verify").expect(204);
        delay
    });
}

/// I5 S102.
fn a_logout_of_all(database: Database) {
    let nodes = start_both(Setup::new(database));
    let ada = Person::registered(&nodes.0, "ada");
    report("logout of all", 40, |number| {
        let mut round = Round::open(&nodes, number, &ada);
        round.client.post("/v1/logout/all").expect(204);
        refused_after(round.there, &round.access)
    });
}

/// I5 S57: and the session that the change opened is good at once.
fn a_password_change(database: Database) {
    let nodes = start_both(Setup::new(database));
    let mut ada = Person::registered(&nodes.0, "ada");
    report("password change", 40, |number| {
        let mut round = Round::open(&nodes, number, &ada);
        let new = format!("another-Quartz-{number}-travel");
        let body = json!({ "current_password": ada.password, "new_password": new });
        round.client.post_json("/v1/me/password", body).expect(200);
        let delay = refused_after(round.there, &round.access);
        let fresh = BodyClient::with_pair(&round.there.anonymous(), round.client.pair);
        fresh.get("/v1/verify").expect(204);
        ada = ada.clone().with_password(&new);
        delay
    });
}

/// I5 S57 S69: from the end of the command; here both nodes hear it from elsewhere.
fn a_disabling_by_renewctl(database: Database) {
    let nodes = start_both(Setup::new(database));
    let ada = Person::registered(&nodes.0, "ada");
    let ctl = Ctl::of(&nodes.0);
    report("disabling by renewctl", 40, |number| {
        let round = Round::open(&nodes, number, &ada);
        ctl.done(&["user", "disable", "ada"]);
        let delay = refused_after(round.there, &round.access);
        ctl.done(&["user", "enable", "ada"]);
        delay
    });
}

/// A session from each node, with both access tokens accepted at the node that is
/// to learn of their end. The nodes take turns.
struct Round<'a> {
    client: BodyClient,
    other: BodyClient,
    there: &'a Server,
    access: [String; 2],
}

impl<'a> Round<'a> {
    fn open(nodes: &'a (Server, Server), number: usize, person: &Person) -> Self {
        let (here, there) = if number.is_multiple_of(2) {
            (&nodes.0, &nodes.1)
        } else {
            (&nodes.1, &nodes.0)
        };
        let (client, other) = (person.log_in(here), person.log_in(there));
        let access = [client.access(), other.access()];
        for token in &access {
            verify(there, token).expect(204);
        }
        Self {
            client,
            other,
            there,
            access,
        }
    }
}

fn verify(node: &Server, access: &str) -> Reply {
    node.call("GET", "/v1/verify").bearer(access).send()
}

/// How long it takes from now until `node` has refused all of these tokens, each of
/// which it accepts until then.
///
/// # Panics
/// When it still accepts one after the bound.
pub fn refused_after(node: &Server, access: &[String]) -> Duration {
    let start = Instant::now();
    for token in access {
        let mut reply = verify(node, token);
        while reply.status == 204 {
            assert!(start.elapsed() < BOUND, "still accepted after {BOUND:?}");
            // The question must not be the load that delays the answer.
            thread::sleep(Duration::from_millis(1));
            reply = verify(node, token);
        }
        reply.problem(401, "session_revoked");
    }
    start.elapsed()
}

/// Measures an end so many times, prints the delays, and holds each to the bound.
fn report(what: &str, rounds: usize, measure: impl FnMut(usize) -> Duration) {
    let mut delays: Vec<Duration> = (0..rounds).map(measure).collect();
    delays.sort_unstable();
    let percentile = |percent: usize| delays[(rounds * percent).div_ceil(100) - 1];
    let (median, high, max) = (percentile(50), percentile(99), percentile(100));
    println!("{what}: {rounds} times, p50 {median:?}, p99 {high:?}, max {max:?}");
    assert!(median < USUAL, "{what}: {delays:?}");
}
