//! A full disk on the database server.

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use e2e::cluster::ClusterSetup;
use e2e::{Cluster, clock};

use super::case::{Plan, rounds};

faults!(disk_full);

/// I4 I7 S58 S59: first tables cannot grow, then the write-ahead log cannot, and PostgreSQL
/// goes down with it; the operator makes room and starts it.
fn disk_full(cluster: ClusterSetup) {
    let done = "the database's disk is full, for its tables and then for its log; room is made";
    let cluster = cluster.setting("max_wal_size", "16MB").on_disk_of(160);
    let mut case = Plan::new("disk_full", done).begin(cluster);
    let mut ended = 0;
    for _ in 0..rounds() {
        case.fault();
        case.cluster.fill_disk();
        use_up_the_log(&case.cluster);
        case.crowd().until_more_is_refused(10);
        thread::sleep(Duration::from_millis(500));
        ended += usize::from(!case.cluster.runs());
        case.cluster.free_disk();
        case.cluster.start_again();
        case.lifted();
    }
    case.end(&format!(
        "503; PostgreSQL itself went down {ended} times and had to be started"
    ));
}

/// Writes log until there is no room for more, for the crowd alone would need a while.
fn use_up_the_log(cluster: &Cluster) {
    let mut connection = cluster.connect();
    let started = Instant::now();
    let more = "SELECT pg_logical_emit_message(false, 'fault', repeat('x', 100000)); \
                SELECT pg_switch_wal()";
    while connection.batch_execute(more).is_ok() {
        assert!(started.elapsed() < clock::PATIENCE, "the disk is not full");
    }
}
