//! Connections that PostgreSQL does not give.

use std::thread;
use std::time::Duration;

use diesel::Connection;
use diesel::pg::PgConnection;
use e2e::cluster::ClusterSetup;
use e2e::{Cluster, clock};

use super::case::{Case, Plan, rounds};

faults!(connections_taken, connections_limited, turned_away);

/// The role as whom the node connects: the server keeps a few connections for superusers.
const ROLE: &str = "renewd";
/// The role of those who take the others.
const OTHERS: &str = "others";
/// How long it lasts at least.
const LASTING: Duration = Duration::from_secs(1);

fn begin(plan: Plan, cluster: ClusterSetup) -> Case {
    // The test itself looks on as a superuser.
    let cluster = cluster
        .setting("max_connections", "40")
        .setting("superuser_reserved_connections", "10")
        .start();
    let url = cluster.url_of_new_role(ROLE);
    plan.begin_with(cluster, &url)
}

/// Ends the node's connections, as an administrator does.
fn end_connections(cluster: &Cluster) {
    cluster.execute(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ROLE}'"
    ));
}

fn connections(cluster: &Cluster) -> String {
    cluster.text(&format!(
        "SELECT count(*)::text AS value FROM pg_stat_activity WHERE usename = '{ROLE}'"
    ))
}

/// S58 S59: others have taken all connections.
fn connections_taken(cluster: ClusterSetup) {
    let done = "others take every connection that PostgreSQL gives, the node's are ended";
    let mut case = begin(Plan::new("connections_taken", done), cluster);
    let url = case.cluster.url_of_new_role(OTHERS);
    for _ in 0..rounds() {
        case.fault();
        // The node would take every connection that becomes free before anybody else does.
        case.cluster.execute(&format!("ALTER ROLE {ROLE} NOLOGIN"));
        let mut taken = Vec::new();
        let mut take = || {
            end_connections(&case.cluster);
            while let Ok(connection) = PgConnection::establish(&url) {
                taken.push(connection);
            }
        };
        clock::eventually("that none is left to the node", || {
            // One may just have been let in.
            take();
            (connections(&case.cluster) == "0" && PgConnection::establish(&url).is_err())
                .then_some(())
        });
        case.cluster.execute(&format!("ALTER ROLE {ROLE} LOGIN"));
        // A place that becomes free late is the node's at once.
        case.crowd().until_more_is_refused_by(10, take);
        thread::sleep(LASTING);
        drop(taken);
        case.lifted();
    }
    case.end("503 while none was left");
}

/// S59: the role may have fewer connections than the node is set to open.
fn connections_limited(cluster: ClusterSetup) {
    let done = "the node's role is limited to 4 connections, and those that it has are ended";
    let mut case = begin(Plan::new("connections_limited", done), cluster);
    for _ in 0..rounds() {
        case.fault();
        case.cluster
            .execute(&format!("ALTER ROLE {ROLE} CONNECTION LIMIT 4"));
        end_connections(&case.cluster);
        case.crowd().until_more_is_done(20);
        let count: usize = connections(&case.cluster).parse().expect("a number");
        assert!((1..=4).contains(&count), "{count} connections");
        case.cluster
            .execute(&format!("ALTER ROLE {ROLE} CONNECTION LIMIT -1"));
        case.lifted();
    }
    case.end("the work was left to the connections that there were");
}

/// S58 S59: the server knows the role and does not let it in.
fn turned_away(cluster: ClusterSetup) {
    let done = "the node's role may not log in any more, and its connections are ended";
    let mut case = begin(Plan::new("turned_away", done), cluster);
    for _ in 0..rounds() {
        case.fault();
        case.cluster.execute(&format!("ALTER ROLE {ROLE} NOLOGIN"));
        end_connections(&case.cluster);
        case.crowd().until_more_is_refused(10);
        thread::sleep(LASTING);
        case.cluster.execute(&format!("ALTER ROLE {ROLE} LOGIN"));
        case.lifted();
    }
    case.end("503 while it lasted");
}
