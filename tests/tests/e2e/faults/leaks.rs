//! What is left after a thousand faults.

use std::fs;
use std::thread;

use e2e::clock::Over;
use e2e::cluster::ClusterSetup;
use e2e::{BodyClient, Persona, Server, clock};

use super::case::{Plan, rounds};

faults!(a_thousand_resets);

/// What a node has by default: ten for everything, two for refreshes, one that listens.
const CONNECTIONS: usize = 13;
/// How many clients ask without a pause.
const HURRIED: usize = 4;
/// How many are reset at once.
const AT_ONCE: usize = 4;
/// How many are not, the newest: one that is reset while it is being opened makes the node wait
/// before it tries again, and this test a long one.
const SPARED: usize = 4;
/// Requests that are being answered have a socket each.
const AT_WORK: usize = 12;

/// S59: a thousand connections are reset under the requests that use them. Afterwards the node
/// has as many connections and files open as before.
fn a_thousand_resets(cluster: ClusterSetup) {
    let done = "1,000 connections are reset, four at once, under load";
    let mut case = Plan::new("a_thousand_resets", done).begin(cluster);
    let files_before = files(&case.nodes[0]);
    let (mut resets, mut times) = (0, 0);
    case.fault();
    let over = Over::default();
    thread::scope(|scope| {
        let end = over.at_end();
        for _ in 0..HURRIED {
            let client = case.somebody();
            scope.spawn(|| hurry(client, &over));
        }
        while resets < 1_000 * rounds() {
            clock::eventually("new connections", || {
                (case.proxies[0].open() >= AT_ONCE + SPARED).then_some(())
            });
            resets += case.proxies[0].reset_oldest(AT_ONCE);
            times += 1;
        }
        drop(end);
    });
    case.lifted();

    let stored = "FROM pg_stat_activity \
         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()";
    let at_server = clock::eventually("the end of lost connections", || {
        let count = case.nodes[0].store().texts("count(*)", stored);
        let count: usize = count[0].parse().expect("a number");
        (count <= CONNECTIONS).then_some(count)
    });
    assert!(case.proxies[0].open() <= CONNECTIONS);
    let files_after = clock::eventually("the end of lost files", || {
        let open = files(&case.nodes[0]);
        (open <= files_before + AT_WORK).then_some(open)
    });
    let connections = case.proxies[0].accepted();
    case.end(&format!(
        "{resets} resets at {times} moments, {connections} connections opened; afterwards \
         {at_server} at the server, {files_after} files open in the node ({files_before} before)"
    ));
}

/// Refreshes as fast as it can, so that lost connections are soon missed.
fn hurry(mut client: BodyClient, over: &Over) {
    while !over.is_over() {
        let reply = client.refresh();
        assert!(matches!(reply.status, 200 | 503), "{}", reply.text());
        let reply = client.get("/v1/me");
        assert!(matches!(reply.status, 200 | 503), "{}", reply.text());
    }
}

fn files(node: &Server) -> usize {
    let open = fs::read_dir(format!("/proc/{}/fd", node.pid()));
    open.expect("the node runs").count()
}
