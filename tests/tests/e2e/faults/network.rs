//! The way to the database: slow, cut, lossy, reset, half closed.

use std::thread;
use std::time::Duration;

use e2e::Flow;
use e2e::cluster::ClusterSetup;

use super::case::{Case, PATIENCE, Plan, rounds};

faults!(
    latency,
    reset,
    slow_close,
    black_hole,
    node_cut_off,
    refused
);

/// Longer than any request waits.
const LONG: Duration = PATIENCE.saturating_add(Duration::from_secs(1));

/// Something happens to all connections again and again, while requests are under way.
fn again_and_again(case: &mut Case, times: usize, happens: impl Fn(&Case) -> usize) -> usize {
    let mut hit = 0;
    case.fault();
    for _ in 0..times * rounds() {
        hit += happens(case);
        case.crowd().until_more_is_done(1);
    }
    case.lifted();
    hit
}

/// S59: everything takes longer, nothing else.
fn latency(cluster: ClusterSetup) {
    let done = "every message to and from PostgreSQL takes 10 ms";
    let mut case = Plan::new("latency", done).begin(cluster);
    case.fault();
    case.proxies[0].both(Flow::Late(Duration::from_millis(10)));
    case.crowd().until_more_is_done(10 * rounds());
    case.proxies[0].both(Flow::Passed);
    case.lifted();
    case.end("all goes on, more slowly");
}

/// I1 I2 I4 S59: RST to both sides, in the middle of whatever is under way.
fn reset(cluster: ClusterSetup) {
    let done = "all connections are reset (RST), 30 times, while requests are under way";
    let mut case = Plan::new("reset", done).begin(cluster);
    let hit = again_and_again(&mut case, 30, |case| case.proxies[0].reset());
    case.end(&format!("{hit} connections reset; opened again at once"));
}

/// S59: the server's end is announced (FIN), but the connection stays.
fn slow_close(cluster: ClusterSetup) {
    let done = "the server's half of all connections is closed, the other one stays, 15 times";
    let mut case = Plan::new("slow_close", done).begin(cluster);
    let hit = again_and_again(&mut case, 15, |case| case.proxies[0].close_half());
    case.end(&format!(
        "{hit} connections half closed; opened again at once"
    ));
}

/// I2 I4 S58 S59: nothing arrives, and nobody says so: requests are refused when their time
/// is up, and what was held up arrives later.
fn black_hole(cluster: ClusterSetup) {
    let done = "nothing reaches PostgreSQL or comes back, for longer than a request waits";
    let mut case = Plan::new("black_hole", done).begin(cluster);
    for _ in 0..rounds() {
        case.fault();
        case.proxies[0].both(Flow::Held);
        case.crowd().until_more_is_refused(8);
        thread::sleep(LONG);
        case.proxies[0].both(Flow::Passed);
        case.lifted();
    }
    case.end("503 when the patience was over, never a hang");
}

/// I1 I2 I4 S54 S58: one node of two; its clients go on at the other one. What was under way
/// is lost, and the connections are dead when the network is back.
fn node_cut_off(cluster: ClusterSetup) {
    let done = "one of two nodes is cut off from PostgreSQL; its connections die with that";
    let mut case = Plan::new("node_cut_off", done).two_nodes().begin(cluster);
    for _ in 0..rounds() {
        case.fault();
        case.proxies[0].both(Flow::Lost);
        case.crowd().until_more_is_refused(4);
        case.crowd().until_more_is_done(20);
        thread::sleep(LONG);
        case.proxies[0].both(Flow::Passed);
        case.proxies[0].reset();
        case.lifted();
    }
    case.end("its clients went on at the other node");
}

/// S58 S59: the server's port is closed for the node, and its connections are gone.
fn refused(cluster: ClusterSetup) {
    let done = "connections are reset, and new ones refused";
    let mut case = Plan::new("refused", done).begin(cluster);
    for _ in 0..rounds() {
        case.fault();
        case.proxies[0].refuse(true);
        case.proxies[0].reset();
        case.crowd().until_more_is_refused(20);
        thread::sleep(Duration::from_secs(1));
        case.proxies[0].refuse(false);
        case.lifted();
    }
    case.end("503 at once while it lasted");
}
