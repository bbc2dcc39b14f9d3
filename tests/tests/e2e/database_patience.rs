//! A database that keeps requests waiting, or takes no writes any more, while the server runs.

use std::time::Duration;

use e2e::cluster::{Cluster, ClusterSetup};
use e2e::{BodyClient, Database, Flow, Person, Persona, Proxy, Reply, Server, Setup, clock};

/// "Recovery without a restart within 10 s."
const RECOVERY: Duration = Duration::from_secs(10);

fn setup(url: &str) -> Setup {
    Setup::new(Database::at(url))
        .set("RENEWD_DATABASE_CONNECTIONS", "3")
        .set("RENEWD_DATABASE_CONNECT_TIMEOUT", "2s")
        .set("RENEWD_DATABASE_PATIENCE", "1s")
        .set("RENEWD_FEED_MAX_STALENESS", "1m")
}

#[track_caller]
fn assert_unavailable(reply: Reply) {
    assert_eq!(reply.status, 503, "{}", reply.text());
    let reply = reply.any_problem();
    assert!(reply.header("retry-after").is_some(), "{:?}", reply.headers);
}

/// All that needs the database is 503, and what does not goes on.
#[track_caller]
fn assert_out(server: &Server, client: &mut BodyClient, ada: &Person) {
    assert_unavailable(client.refresh());
    assert_unavailable(client.post("/v1/logout/others"));
    assert_unavailable(server.anonymous().post("/v1/login", ada.credentials()));
    assert_unavailable(server.call("GET", "/readyz").send());
    client.get("/v1/verify").expect(204);
}

#[track_caller]
fn assert_recovers(server: &Server, client: &mut BodyClient) {
    clock::within(RECOVERY, "a refresh", || {
        (client.refresh().status == 200).then_some(())
    });
    clock::within(RECOVERY, "/readyz", || {
        let ready = server.call("GET", "/readyz").send();
        (ready.status == 200).then_some(())
    });
    client.post("/v1/logout/others").expect(204);
}

/// I7 S58 S59: what is sent is taken and never arrives, and the connections stay dead when the
/// network is well again, though nothing ever says so.
fn answers_that_were_lost_are_not_waited_for(cluster: ClusterSetup) {
    let cluster = cluster.start();
    let proxy = Proxy::start(cluster.address());
    let mut server = setup(&cluster.url_through(proxy.address())).start();
    let ada = Person::registered(&server, "ada");
    let mut client = ada.log_in(&server);
    let connections = proxy.open();
    let ways: [fn(&Proxy, Flow); 3] = [Proxy::both, Proxy::requests, Proxy::replies];
    for lost in ways {
        lost(&proxy, Flow::Lost);
        assert_out(&server, &mut client, &ada);
        proxy.both(Flow::Passed);
        assert_recovers(&server, &mut client);
        clock::within(RECOVERY, "the end of the dead connections", || {
            (proxy.open() <= connections).then_some(())
        });
    }

    let told = "answers of the database were lost on the way";
    assert!(server.log().contains(told), "{}", server.log());

    proxy.both(Flow::Lost);
    assert_unavailable(client.refresh());
    server.terminate();
    assert_eq!(server.wait(), Some(0), "{}", server.log());
}

/// S59: the server becomes one that only reads, as after a failover, and then one that writes.
fn a_server_that_only_reads_is_left(cluster: ClusterSetup) {
    let cluster = cluster.start();
    let server = setup(&cluster.url()).start();
    let ada = Person::registered(&server, "ada");
    let mut client = ada.log_in(&server);
    cluster.execute("ALTER SYSTEM SET default_transaction_read_only = on");
    cluster.execute("SELECT pg_reload_conf()");
    clock::eventually("a server that only reads", || {
        (client.refresh().status == 503).then_some(())
    });
    assert_out(&server, &mut client, &ada);
    // Nothing was done, and the connections are not kept.
    let connected = server
        .log()
        .matches("connected to the database again")
        .count();
    cluster.execute("ALTER SYSTEM RESET default_transaction_read_only");
    cluster.execute("SELECT pg_reload_conf()");
    assert_recovers(&server, &mut client);
    let now = server
        .log()
        .matches("connected to the database again")
        .count();
    assert!(now > connected, "{}", server.log());
}

mod postgres {
    use super::*;

    #[test]
    fn answers_that_were_lost_are_not_waited_for() {
        match Cluster::setup() {
            Some(cluster) => super::answers_that_were_lost_are_not_waited_for(cluster),
            None => println!("skipped: no PostgreSQL"),
        }
    }

    #[test]
    fn a_server_that_only_reads_is_left() {
        match Cluster::setup() {
            Some(cluster) => super::a_server_that_only_reads_is_left(cluster),
            None => println!("skipped: no PostgreSQL"),
        }
    }
}
