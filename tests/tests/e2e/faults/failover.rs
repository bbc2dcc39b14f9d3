//! The primary is lost, and its standby becomes the primary.

use e2e::cluster::ClusterSetup;

use super::case::Plan;

faults!(promoted, switched_over, frozen);

/// I3 I4 S137: kill -9 for the primary; a synchronous standby has all that was acknowledged.
fn promoted(cluster: ClusterSetup) {
    let done = "kill -9 of the primary, its synchronous standby is promoted (one URL for both)";
    let primary = cluster.start();
    let standby = primary.standby(true);
    let url = primary.url_with(&standby);
    let plan = Plan::new("promoted", done).two_nodes();
    let mut case = plan.begin_with(primary, &url);
    case.fault();
    case.cluster.kill();
    case.crowd().until_more_is_refused(10);
    standby.promote();
    case.lifted();
    case.end("both nodes found the new primary by themselves");
}

/// I3 I4: the old primary is stopped in good order, then comes back as what it was: as long as
/// nobody promotes the standby, everything waits for it.
fn switched_over(cluster: ClusterSetup) {
    let done = "the primary is stopped, its standby promoted";
    let primary = cluster.start();
    let standby = primary.standby(true);
    let url = primary.url_with(&standby);
    let mut case = Plan::new("switched_over", done).begin_with(primary, &url);
    case.fault();
    case.cluster.stop();
    case.crowd().until_more_is_refused(5);
    standby.promote();
    case.lifted();
    case.end("the node found the new primary by itself");
}

/// I3 I4 S58: the old primary accepts connections and says nothing, until it is fenced, as
/// whoever promotes a standby has to see to.
fn frozen(cluster: ClusterSetup) {
    let done = "the primary freezes (SIGSTOP), its standby is promoted, then the old one is killed";
    let primary = cluster.start();
    let standby = primary.standby(true);
    let url = primary.url_with(&standby);
    let mut case = Plan::new("frozen", done)
        .set("RENEWD_DATABASE_CONNECT_TIMEOUT", "1s")
        .begin_with(primary, &url);
    case.fault();
    case.cluster.freeze(true);
    case.crowd().until_more_is_refused(5);
    standby.promote();
    case.cluster.kill();
    case.lifted();
    case.end("503 when the patience was over; the node found the new primary by itself");
}
