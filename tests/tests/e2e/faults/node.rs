//! A node that dies under a storm of refreshes.

use e2e::cluster::ClusterSetup;

use super::case::{Plan, rounds};

faults!(node_killed);

/// I2 I4 I7 S54 S59: kill -9, again and again; clients go on at the other node, and come back
/// when the first one does.
fn node_killed(cluster: ClusterSetup) {
    let done = "kill -9 of one of two nodes, three times, in the middle of a storm of refreshes";
    let mut case = Plan::new("node_killed", done).two_nodes().begin(cluster);
    for _ in 0..3 * rounds() {
        case.fault();
        case.nodes[0].kill();
        case.crowd().until_more_is_refused(3);
        case.crowd().until_more_is_done(10);
        case.nodes[0].restart();
        case.lifted();
    }
    case.end("its clients went on at the other node");
}
