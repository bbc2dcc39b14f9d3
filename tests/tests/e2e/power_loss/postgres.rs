//! What an acknowledgement rests on where PostgreSQL keeps the data.

use e2e::cluster::ClusterSetup;
use e2e::{Cluster, Database, Person, Persona, Server, Setup, clock};

/// So many refreshes, one after the other.
const REFRESHES: usize = 100;

fn told(test: fn(ClusterSetup)) {
    match Cluster::setup() {
        Some(cluster) => test(cluster),
        None => println!("skipped: no PostgreSQL"),
    }
}

fn on(cluster: &Cluster) -> Server {
    Setup::new(Database::at(&cluster.url()))
        .set("RENEWD_REPLAY_WINDOW", "0")
        .start()
}

/// I4: each acknowledged refresh had a sync of the log to itself, although server and role
/// ask for less.
#[test]
fn a_commit_waits_for_the_log_whatever_the_role_says() {
    told(|cluster| {
        let cluster = cluster
            .setting("fsync", "on")
            .setting("synchronous_commit", "off")
            .start();
        cluster.execute("ALTER ROLE postgres SET synchronous_commit = off");
        if cluster
            .text("SELECT count(*)::text AS value FROM pg_class WHERE relname = 'pg_stat_wal'")
            == "0"
        {
            println!("skipped: PostgreSQL before 14 does not count syncs of its log");
            return;
        }
        let server = on(&cluster);
        assert!(
            !server.log().contains("warning: PostgreSQL"),
            "{}",
            server.log()
        );
        let mut client = Person::registered(&server, "ada").log_in(&server);
        let synced = || {
            let syncs = cluster.text("SELECT wal_sync::text AS value FROM pg_stat_wal");
            syncs.parse::<usize>().expect("a number")
        };
        let before = synced();
        for _ in 0..REFRESHES {
            client.refresh().expect(200);
        }
        // A server process tells of its syncs a little later.
        clock::eventually("a sync for each refresh", || {
            (synced() >= before + REFRESHES).then_some(())
        });
    });
}

/// I4: what renewd cannot set for itself, it tells the operator.
#[test]
fn a_server_that_does_not_sync_is_told_of() {
    told(|cluster| {
        let cluster = cluster.setting("full_page_writes", "off").start();
        let server = on(&cluster);
        clock::eventually("two warnings", || {
            let log = server.log();
            let told =
                |setting: &str| log.contains(&format!("PostgreSQL runs with {setting} = off"));
            (told("fsync") && told("full_page_writes")).then_some(())
        });
    });
}
