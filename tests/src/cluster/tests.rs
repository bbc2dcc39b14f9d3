//! The cluster does what the tests of faults take for granted.

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::prelude::Connection;

use super::Cluster;

const COUNT: &str = "SELECT count(*)::text AS value FROM kept";

mod postgres {
    use super::*;

    #[test]
    fn what_was_committed_survives_every_end() {
        let Some(mut cluster) = Cluster::start() else {
            return println!("skipped: no PostgreSQL");
        };
        let address = cluster.address();
        cluster.execute("CREATE TABLE kept (number integer)");
        for (number, end) in [Cluster::stop, Cluster::stop_at_once, Cluster::kill]
            .into_iter()
            .enumerate()
        {
            cluster.execute("INSERT INTO kept VALUES (1)");
            end(&mut cluster);
            assert!(!cluster.runs());
            assert!(PgConnection::establish(&cluster.url()).is_err());
            cluster.start_again();
            assert_eq!(cluster.text(COUNT), (number + 1).to_string());
        }
        assert_eq!(cluster.address(), address);
        let directory = cluster.directory().to_owned();
        assert!(directory.exists());
        drop(cluster);
        assert!(!directory.exists());
    }

    #[test]
    fn a_synchronous_standby_goes_on_where_its_primary_was_killed() {
        let Some(mut primary) = Cluster::start() else {
            return println!("skipped: no PostgreSQL");
        };
        primary.execute("CREATE TABLE kept (number integer)");
        let standby = primary.standby(true);
        primary.execute("INSERT INTO kept SELECT generate_series(1, 1000)");
        primary.kill();
        let either = primary.url_with(&standby);
        assert!(PgConnection::establish(&either).is_err());
        standby.promote();
        assert_eq!(standby.text(COUNT), "1000");
        let mut promoted = PgConnection::establish(&either).expect("the new primary");
        promoted
            .batch_execute("INSERT INTO kept VALUES (0)")
            .expect("it can be written to");
    }

    #[test]
    fn a_full_disk_refuses_rows_and_takes_them_again() {
        let Some(setup) = Cluster::setup() else {
            return println!("skipped: no PostgreSQL");
        };
        let mut cluster = setup.on_disk_of(160).start();
        cluster.execute("CREATE TABLE kept (number integer)");
        let own = cluster.fill_disk();
        println!("a disk of its own: {own}");
        let rows = "INSERT INTO kept SELECT generate_series(1, 100000)";
        assert!(cluster.connect().batch_execute(rows).is_err());
        cluster.free_disk();
        cluster.start_again();
        assert_eq!(cluster.text(COUNT), "0");
        cluster.execute(rows);
    }
}
