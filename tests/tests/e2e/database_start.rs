//! A database that cannot be used: the start fails with one line that says what to do, and so does
//! `renewctl`; no password is told, however much is logged.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use e2e::database::Store;
use e2e::{Ctl, Database, Setup, clock, ports};

use crate::configuration::assert_one_line;

/// In every URL that is tried here.
const PASSWORD: &str = "hunter2-Quartz";

/// Settings of a server on this database.
fn setup(url: &str) -> Setup {
    Setup::new(Database::at(url)).set("RENEWD_DATABASE_CONNECT_TIMEOUT", "2s")
}

/// Neither program works on it, and both say why, on one line with these words. Whatever the server
/// logs beside it, there is no password in it.
#[track_caller]
fn assert_refused(setup: &Setup, words: &[&str]) {
    let finished = setup.run([]);
    let ctl = Ctl::at(setup.directory().to_owned(), &setup.store().url()).run(&["user", "list"]);
    assert_eq!(ctl.code, Some(1), "{ctl:?}");
    for said in [&finished, &ctl] {
        assert_one_line(said, words[0]);
        for word in words {
            assert!(said.stderr.contains(word), "{word}: {said:?}");
        }
    }
    let loud = setup.run_set("RENEWD_LOG", "debug", []);
    for said in [finished, ctl, loud] {
        for output in [&said.stdout, &said.stderr] {
            assert!(!output.contains("hunter2"), "{output}");
        }
    }
}

/// S41: what is wrong shows in the URL alone.
#[test]
fn a_url_that_says_nothing_is_refused() {
    for (url, word) in [
        ("mysql://ann:hunter2-Quartz@db/renewd", "postgres://"),
        ("host=db user=ann password=hunter2-Quartz", "no URL"),
        ("postgres://ann:hunter2-Quartz/renewd", "port"),
        ("postgres://ann:hunter2/Quartz@db/renewd", "percent-encoded"),
        ("postgres://ann:hunter2%-Quartz@db/renewd", "%25"),
        (
            "postgres://db/renewd?password=a&hunter2-Quartz",
            "parameter 2",
        ),
        ("postgres://[::1:hunter2-Quartz", "brackets"),
    ] {
        assert_refused(&setup(url), &[word]);
    }
}

/// Nobody is there, or nobody who is PostgreSQL.
#[test]
fn a_server_that_is_not_there_is_told() {
    let closed = ports::free();
    let server = |place: &str| format!("postgres://ann:{PASSWORD}@{place}/renewd");
    let url = server(&format!("127.0.0.1:{closed}"));
    let words = ["Connection refused", "ann@127.0.0.1", "check host and port"];
    assert_refused(&setup(&url), &words);
    let both = server(&format!("127.0.0.1:{closed},127.0.0.1:{closed}"));
    assert_refused(&setup(&both), &words);
    let words = ["no-such-host.invalid", "check the name of the host"];
    assert_refused(&setup(&server("no-such-host.invalid")), &words);
    let words = ["/nonexistent", "check host and port"];
    assert_refused(&setup("postgres:///renewd?host=/nonexistent"), &words);

    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let words = ["timeout expired", "check host, port and firewall"];
    assert_refused(&setup(&server(&address.to_string())), &words);
}

mod postgres {
    use super::*;

    /// A database of its own, an ordinary user who owns it, and the URL with which that user
    /// connects.
    struct Place {
        store: Store,
        user: String,
    }

    impl Place {
        /// `None` without PostgreSQL.
        fn new() -> Option<Self> {
            let directory = std::env::temp_dir();
            let store = Store::new(Database::postgres()?, &directory);
            let Store::Postgres { name, .. } = &store else {
                panic!("a database on a server");
            };
            let user = format!("{name}_user");
            store.execute(&format!("CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'"));
            Some(Self { store, user })
        }

        fn url(&self) -> String {
            self.url_of(&self.user, PASSWORD)
        }

        fn url_of(&self, user: &str, password: &str) -> String {
            let url = self.store.url();
            let (_, place) = url.rsplit_once('@').expect("a URL with a user");
            format!("postgres://{user}:{password}@{place}")
        }

        fn execute(&self, sql: &str) {
            self.store.execute(&sql.replace("USER", &self.user));
        }

        /// As a superuser leaves it who has migrated it for others.
        fn migrated(self) -> Self {
            let ctl = Ctl::at(std::env::temp_dir(), &self.store.url());
            ctl.done(&["db", "migrate"]);
            for grant in [
                "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO USER",
                "GRANT USAGE ON SCHEMA public TO USER",
            ] {
                self.execute(grant);
            }
            self
        }

        /// The settings of a server that does not migrate.
        fn setup(&self) -> Setup {
            setup(&self.url()).set("RENEWD_MIGRATE", "false")
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            self.execute("DROP OWNED BY USER");
            self.execute("DROP ROLE USER");
        }
    }

    #[test]
    fn who_may_not_enter_is_told_why() {
        let Some(place) = Place::new() else {
            return println!("skipped: no PostgreSQL");
        };
        let wrong = setup(&place.url_of(&place.user, "hunter2-Basalt"));
        assert_refused(
            &wrong,
            &["authentication failed", &place.user, "check user name"],
        );
        let url = place.url();
        let (server, _) = url.rsplit_once('/').expect("a URL with a database");
        let elsewhere = setup(&format!("{server}/renewd_none"));
        assert_refused(&elsewhere, &["does not exist", "renewd_none", "create it"]);
        place.execute("ALTER ROLE USER CONNECTION LIMIT 0");
        let words = [
            "too many connections for role",
            "RENEWD_DATABASE_CONNECTIONS",
        ];
        assert_refused(&setup(&place.url()), &words);
    }

    #[test]
    fn a_right_that_is_missing_is_named() {
        let Some(place) = Place::new() else {
            return println!("skipped: no PostgreSQL");
        };
        place.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC");
        let words = [
            "may not make tables",
            "GRANT CREATE ON SCHEMA public TO",
            &place.user,
        ];
        let finished = setup(&place.url()).run([]);
        for word in words {
            assert_one_line(&finished, word);
        }
        let ctl = Ctl::at(std::env::temp_dir(), &place.url()).run(&["db", "migrate"]);
        assert_eq!(ctl.code, Some(1), "{ctl:?}");
        assert_one_line(&ctl, words[0]);

        let place = place.migrated();
        drop(place.setup().start());
        for (right, table) in [
            ("SELECT", "__diesel_schema_migrations"),
            ("UPDATE", "sessions"),
            ("DELETE", "users"),
            ("INSERT", "audit_events"),
        ] {
            place.execute(&format!("REVOKE {right} ON {table} FROM USER"));
            let grant = format!("GRANT {right} ON {table} TO");
            assert_refused(&place.setup(), &["lacks the right", &grant, &place.user]);
            place.execute(&format!("GRANT {right} ON {table} TO USER"));
        }
        place.execute("REVOKE USAGE ON SCHEMA public FROM PUBLIC, USER");
        assert_refused(&place.setup(), &["search_path", &place.user]);
        place.execute("GRANT USAGE ON SCHEMA public TO USER");
        drop(place.setup().start());
    }

    #[test]
    fn another_schema_than_this_programs_is_told() {
        let Some(place) = Place::new() else {
            return println!("skipped: no PostgreSQL");
        };
        place.execute("GRANT ALL ON SCHEMA public TO USER");
        assert_refused(
            &place.setup(),
            &["older than this program", "renewctl db migrate"],
        );
        let place = place.migrated();
        let newer = "INSERT INTO __diesel_schema_migrations VALUES ('99990101000000')";
        place.execute(newer);
        let words = [
            "newer than this program",
            "99990101000000",
            "use the newer program",
        ];
        assert_refused(&place.setup(), &words);
        assert_refused(&setup(&place.url()), &words);
    }

    #[test]
    fn a_database_that_only_reads_is_told() {
        let Some(place) = Place::new().map(Place::migrated) else {
            return println!("skipped: no PostgreSQL");
        };
        place.execute("ALTER ROLE USER SET default_transaction_read_only = on");
        assert_refused(
            &place.setup(),
            &["default_transaction_read_only", "let its user write"],
        );
        // libpq itself looks for one that writes.
        let several = place.url().replacen('@', "@127.0.0.1:1,", 1);
        let several = setup(&several).set("RENEWD_MIGRATE", "false");
        assert_refused(&several, &["session is read-only", "name the primary"]);
    }

    /// Nodes that start at once migrate one after the other, however long the first one takes.
    #[test]
    fn no_time_limit_cuts_a_migration() {
        let Some(place) = Place::new() else {
            return println!("skipped: no PostgreSQL");
        };
        place.execute("GRANT ALL ON SCHEMA public TO USER");
        let setup = setup(&place.url())
            .set("RENEWD_DATABASE_STATEMENT_TIMEOUT", "1s")
            .set("RENEWD_DATABASE_LOCK_TIMEOUT", "1s");
        let store = &place.store;
        thread::scope(|scope| {
            // Another node holds the lock ("renewd" in ASCII) until somebody has waited longer
            // for it than any limit allows.
            let other = scope.spawn(|| {
                store.execute(
                    "DO $$ BEGIN \
                        PERFORM pg_advisory_lock(x'72656e657764'::bigint); \
                        FOR i IN 1..1500 LOOP \
                            PERFORM pg_sleep(0.01); \
                            PERFORM pg_stat_clear_snapshot(); \
                            EXIT WHEN EXISTS (SELECT FROM pg_stat_activity \
                                WHERE datname = current_database() AND wait_event = 'advisory' \
                                AND clock_timestamp() - query_start > interval '2500 ms'); \
                        END LOOP; \
                        PERFORM pg_advisory_unlock_all(); \
                    END $$",
                );
            });
            clock::eventually("the lock of the other node", || {
                let held = "FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = \
                            (SELECT oid FROM pg_database WHERE datname = current_database())";
                (store.texts("count(*)", held) == ["1"]).then_some(())
            });
            drop(setup.start());
            other.join().expect("the other node");
        });
    }

    /// What a server accepts at most is less than a node wants.
    #[test]
    fn a_node_that_wants_too_many_connections_is_told() {
        let Some(place) = Place::new().map(Place::migrated) else {
            return println!("skipped: no PostgreSQL");
        };
        place.execute("ALTER ROLE USER CONNECTION LIMIT 7");
        let few = place.setup().set("RENEWD_DATABASE_CONNECTIONS", "2");
        let server = few.start();
        clock::within(
            Duration::from_secs(10),
            "no connection more than was asked for",
            || {
                let count = format!("FROM pg_stat_activity WHERE usename = '{}'", place.user);
                // Two, two for refreshes, and the one that listens.
                (place.store.texts("count(*)", &count) == ["5"]).then_some(())
            },
        );
        drop(server);
        let many = place.setup().set("RENEWD_DATABASE_CONNECTIONS", "6");
        let finished = many.run([]);
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert_one_line(&finished, "RENEWD_DATABASE_CONNECTIONS");
    }
}
