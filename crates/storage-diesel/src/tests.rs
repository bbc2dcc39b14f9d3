//! Units of work that go wrong: what a caller through the ports cannot make happen.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "the integration tests use more of it, as a module of a crate of their own"
)]
#[path = "../tests/support/database.rs"]
mod database;

use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::Error as DatabaseError;
use pollster::block_on;
use token_core::revocation::{Freshness, RevocationSet, WhenStale};
use token_core::store::{FeedStore, StoreError};
use token_core::time::SystemClock;

use self::database::TestDatabase;
use crate::schema::name_reservations;
use crate::{DatabaseUrl, Options, Storage};

/// How many threads read.
const READERS: usize = 3;

fn open(database: &TestDatabase) -> Storage {
    let freshness = Freshness {
        max_staleness: Duration::from_secs(10),
        when_stale: WhenStale::Open,
    };
    let revocations = RevocationSet::new(Duration::from_secs(905), freshness);
    let mut options = Options::new(Arc::new(SystemClock::default()), Arc::new(revocations));
    options.sqlite.readers = READERS;
    options.postgres.connections = READERS;
    let url = DatabaseUrl::parse(&database.url()).unwrap();
    Storage::open(&url, &options).unwrap()
}

fn a_panic_undoes_its_unit_alone(database: &TestDatabase) {
    let storage = open(database);
    let until = match database {
        TestDatabase::Sqlite(_) => "1",
        TestDatabase::Postgres { .. } => "now()",
    };
    let asked: Vec<_> = (0..40)
        .map(|n| {
            let sql =
                format!("INSERT INTO name_reservations VALUES ('email', 'n{n}', NULL, {until})");
            storage.write(move |tx| {
                tx.conn.batch_execute(&sql)?;
                assert!(n % 2 == 0, "this unit panics");
                Ok(n)
            })
        })
        .collect();
    for (n, answer) in asked.into_iter().map(block_on).enumerate() {
        match answer {
            Ok(answer) => assert!(answer == n && n % 2 == 0),
            Err(StoreError::Unavailable(why)) => {
                assert!(
                    n % 2 == 1 && why.to_string().contains("panicked"),
                    "{n}: {why}"
                );
            }
            Err(other) => panic!("{other}"),
        }
    }
    let error = block_on(storage.read(|_| -> Result<(), _> { panic!("a reader panics") }));
    assert!(matches!(error, Err(StoreError::Unavailable(_))));
    assert_eq!(
        database.number("SELECT count(*) AS n FROM name_reservations"),
        20
    );
    block_on(storage.ping()).unwrap();
}

#[test]
fn a_panic_undoes_its_unit_alone_on_sqlite() {
    a_panic_undoes_its_unit_alone(&TestDatabase::sqlite());
}

#[test]
fn a_panic_undoes_its_unit_alone_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        a_panic_undoes_its_unit_alone(&database);
    }
}

/// A savepoint that a panic left open is not taken for the transaction: what is acknowledged, then
/// and later, is there for others to see.
fn a_panic_in_a_savepoint_undoes_what_is_not_acknowledged(database: &TestDatabase) {
    let storage = open(database);
    let until = match database {
        TestDatabase::Sqlite(_) => "1",
        TestDatabase::Postgres { .. } => "now()",
    };
    let insert = move |n: usize| {
        format!("INSERT INTO name_reservations VALUES ('email', 'n{n}', NULL, {until})")
    };
    // While the first unit waits, the others gather behind it, on SQLite for one commit.
    let (begun, has_begun) = mpsc::channel();
    let (go, wait) = mpsc::channel::<()>();
    let first = storage.write(move |_| {
        begun.send(()).unwrap();
        Ok(wait.recv().is_err())
    });
    has_begun.recv().unwrap();
    let gathered: Vec<_> = (0..40)
        .map(|n| {
            storage.write(move |tx| {
                tx.conn.batch_execute(&insert(n))?;
                if n % 10 == 5 {
                    let () = tx.conn.transaction(|_| -> Result<_, DatabaseError> {
                        panic!("inside of a savepoint")
                    })?;
                }
                Ok(())
            })
        })
        .collect();
    drop(go);
    assert!(block_on(first).unwrap());
    let mut acknowledged = 0;
    for (n, answer) in gathered.into_iter().map(block_on).enumerate() {
        match answer {
            Ok(()) => assert!(n % 10 != 5),
            Err(StoreError::Unavailable(_)) => continue,
            Err(other) => panic!("{other}"),
        }
        acknowledged += 1;
    }
    let count = || database.number("SELECT count(*) AS n FROM name_reservations");
    assert_eq!(count(), acknowledged);

    let read = storage.read(|conn| {
        conn.transaction(|conn| -> Result<(), DatabaseError> {
            let found = name_reservations::table.count().get_result::<i64>(conn)?;
            panic!("after it has read {found} rows")
        })?;
        Ok(())
    });
    assert!(matches!(block_on(read), Err(StoreError::Unavailable(_))));
    for n in 100..110 {
        block_on(storage.write(move |tx| Ok(tx.conn.batch_execute(&insert(n))?))).unwrap();
        acknowledged += 1;
        assert_eq!(count(), acknowledged);
    }
    // Every thread sees it too: none is inside of an old snapshot.
    let all_at_once = Arc::new(Barrier::new(READERS));
    let counts: Vec<_> = (0..READERS)
        .map(|_| {
            let all_at_once = Arc::clone(&all_at_once);
            storage.read(move |conn| {
                all_at_once.wait();
                Ok(name_reservations::table.count().get_result::<i64>(conn)?)
            })
        })
        .collect();
    for counted in counts {
        assert_eq!(block_on(counted).unwrap(), acknowledged);
    }
}

#[test]
fn a_panic_in_a_savepoint_undoes_what_is_not_acknowledged_on_sqlite() {
    a_panic_in_a_savepoint_undoes_what_is_not_acknowledged(&TestDatabase::sqlite());
}

#[test]
fn a_panic_in_a_savepoint_undoes_what_is_not_acknowledged_on_postgres() {
    if let Some(database) = TestDatabase::postgres() {
        a_panic_in_a_savepoint_undoes_what_is_not_acknowledged(&database);
    }
}

/// Who reads cannot write, whatever the query.
#[test]
fn readers_of_sqlite_cannot_write() {
    let database = TestDatabase::sqlite();
    let storage = open(&database);
    let written = block_on(storage.read(|conn| Ok(conn.batch_execute("DELETE FROM users")?)));
    assert!(matches!(written, Err(StoreError::Unavailable(_))));
}
