//! Units of work that go wrong: what a caller through the ports cannot make happen.

#[expect(
    dead_code,
    unreachable_pub,
    reason = "the integration tests use more of it, as a module of a crate of their own"
)]
#[path = "../tests/support/database.rs"]
mod database;

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use pollster::block_on;
use token_core::revocation::{Freshness, RevocationSet, WhenStale};
use token_core::store::{FeedStore, StoreError};
use token_core::time::SystemClock;

use self::database::TestDatabase;
use crate::{DatabaseUrl, Options, Storage};

fn open(database: &TestDatabase) -> Storage {
    let freshness = Freshness {
        max_staleness: Duration::from_secs(10),
        when_stale: WhenStale::Open,
    };
    let revocations = RevocationSet::new(Duration::from_secs(905), freshness);
    let options = Options::new(Arc::new(SystemClock::default()), Arc::new(revocations));
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

/// Who reads cannot write, whatever the query.
#[test]
fn readers_of_sqlite_cannot_write() {
    let database = TestDatabase::sqlite();
    let storage = open(&database);
    let written = block_on(storage.read(|conn| Ok(conn.batch_execute("DELETE FROM users")?)));
    assert!(matches!(written, Err(StoreError::Unavailable(_))));
}
