//! The server itself: stopped, killed, restarted, frozen.

use std::thread;
use std::time::Duration;

use e2e::cluster::ClusterSetup;
use e2e::{Cluster, Persona, clock};

use super::case::{Plan, rounds};

faults!(stopped, killed, restarted, gone_beyond_the_bound);

/// How long the server stays away at least.
const AWAY: Duration = Duration::from_secs(1);

fn down_and_up(plan: Plan, cluster: ClusterSetup, end: fn(&mut Cluster)) {
    let mut case = plan.begin(cluster);
    for _ in 0..rounds() {
        case.fault();
        end(&mut case.cluster);
        case.crowd().until_more_is_refused(10);
        thread::sleep(AWAY);
        case.cluster.start_again();
        case.lifted();
    }
    case.end("503 while it was away; nothing lost, nobody logged out");
}

/// I2 I4 I7 S58 S59: an operator stops it, and starts it a moment later.
fn stopped(cluster: ClusterSetup) {
    let done = "PostgreSQL is stopped (fast) and started";
    down_and_up(Plan::new("stopped", done), cluster, Cluster::stop);
}

/// I2 I4 I7 S58 S59: kill -9 for the postmaster and all its processes.
fn killed(cluster: ClusterSetup) {
    let done = "kill -9 of every process of PostgreSQL; it recovers from its log";
    down_and_up(Plan::new("killed", done), cluster, Cluster::kill);
}

/// I2 I4 I7 S59: restarted at once, and again, with two nodes; hardly anybody notices.
fn restarted(cluster: ClusterSetup) {
    let done = "PostgreSQL is restarted, three times in a row (fast, immediate, fast)";
    let mut case = Plan::new("restarted", done).two_nodes().begin(cluster);
    for _ in 0..rounds() {
        case.fault();
        for end in [Cluster::stop, Cluster::stop_at_once, Cluster::stop] {
            end(&mut case.cluster);
            case.cluster.start_again();
        }
        case.lifted();
    }
    case.end("a few refusals; nothing lost, nobody logged out");
}

/// I5 S58: away for longer than what is known of ended sessions stays fresh: then even
/// verification is refused, and never with a 401.
fn gone_beyond_the_bound(cluster: ClusterSetup) {
    let done = "PostgreSQL is away for longer than RENEWD_FEED_MAX_STALENESS (2 s)";
    let mut case = Plan::new("gone_beyond_the_bound", done)
        .set("RENEWD_FEED_MAX_STALENESS", "2s")
        .begin(cluster);
    let somebody = case.somebody();
    let verify = || somebody.get("/v1/verify").status;
    case.fault();
    case.cluster.kill();
    assert_eq!(verify(), 204, "at first it goes on");
    clock::eventually("a refused verification", || (verify() == 503).then_some(()));
    case.cluster.start_again();
    case.lifted();
    case.end("verify went on for the bound, then 503, never 401");
}
