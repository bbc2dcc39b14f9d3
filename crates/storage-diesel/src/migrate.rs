//! Migrations: embedded, one directory for each database with the same names, run by one process
//! at a time.

use std::collections::BTreeSet;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::migration::{Migration, MigrationSource, Result as MigrationResult};
use diesel::prelude::*;
use diesel::result::Error as DatabaseError;
use diesel::sql_types::BigInt;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::connection::AnyConnection;
use crate::error::OpenError;
use crate::postgres::check_migrate;

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// The advisory lock under which nodes migrate one after the other: "renewd" in ASCII.
const LOCK: i64 = 0x7265_6e65_7764;

/// The state of a database's schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// The migrations of this program, in order.
    pub migrations: Vec<MigrationState>,
    /// Versions in the database that this program does not know: a newer one made them.
    pub unknown: Vec<String>,
}

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationState {
    /// Its name.
    pub name: String,
    /// Whether the database has it.
    pub applied: bool,
}

impl MigrationStatus {
    /// Whether the schema is the one this program works with.
    pub fn is_current(&self) -> bool {
        self.unknown.is_empty() && self.migrations.iter().all(|migration| migration.applied)
    }
}

/// Runs what is pending, on a connection that serves no other purpose, and returns the names of
/// what was run.
pub(crate) fn run(conn: &mut AnyConnection) -> Result<Vec<String>, OpenError> {
    let status = status(conn)?;
    if let Some(version) = status.unknown.first() {
        return Err(OpenError::Newer(version.clone()));
    }
    if status.is_current() {
        return Ok(Vec::new());
    }
    match conn {
        // Everything in one transaction that holds the write lock: a second process waits, then
        // finds nothing to do.
        AnyConnection::Sqlite(conn) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?;
            match pending(conn, &SQLITE) {
                Ok(names) => {
                    AnsiTransactionManager::commit_transaction(conn)?;
                    Ok(names)
                }
                Err(error) => {
                    // The migration's own error says more than a failed rollback could.
                    drop(AnsiTransactionManager::rollback_transaction(conn));
                    Err(OpenError::Migration(error))
                }
            }
        }
        AnyConnection::Postgres(conn) => {
            check_migrate(conn)?;
            // Another node's migration may take longer than the limits of everyday work. The
            // connection is given up afterwards, and the lock with it if anything failed.
            conn.batch_execute(&format!(
                "SET lock_timeout = 0; SET statement_timeout = 0; SELECT pg_advisory_lock({LOCK});"
            ))?;
            let names = pending(conn, &POSTGRES).map_err(OpenError::Migration)?;
            conn.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK});"))?;
            Ok(names)
        }
    }
}

fn pending<C, DB>(conn: &mut C, source: &EmbeddedMigrations) -> MigrationResult<Vec<String>>
where
    C: MigrationHarness<DB>,
    DB: diesel::backend::Backend,
{
    let pending: Vec<Box<dyn Migration<DB>>> = conn.pending_migrations(OurMigrations(source))?;
    let names = pending.iter().map(|m| m.name().to_string()).collect();
    conn.run_migrations(&pending)?;
    Ok(names)
}

/// Lends out the embedded migrations, which cannot be copied.
struct OurMigrations<'a>(&'a EmbeddedMigrations);

impl<DB: diesel::backend::Backend> MigrationSource<DB> for OurMigrations<'_> {
    fn migrations(&self) -> MigrationResult<Vec<Box<dyn Migration<DB>>>> {
        self.0.migrations()
    }
}

/// Says whether the schema is the one this program works with.
pub(crate) fn check(conn: &mut AnyConnection) -> Result<(), OpenError> {
    let status = status(conn)?;
    if let Some(version) = status.unknown.into_iter().next() {
        return Err(OpenError::Newer(version));
    }
    let mut missing = status.migrations.into_iter().filter(|m| !m.applied);
    match missing.next() {
        None => Ok(()),
        Some(first) => Err(OpenError::Older {
            missing: 1 + missing.count(),
            first: first.name,
        }),
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// Reads the state of the schema and changes nothing, not even on an empty database.
pub(crate) fn status(conn: &mut AnyConnection) -> Result<MigrationStatus, OpenError> {
    let mut unknown: BTreeSet<String> = applied(conn)?.into_iter().collect();
    let mut ours = names(conn).map_err(OpenError::Migration)?;
    ours.sort();
    let migrations = ours
        .into_iter()
        .map(|(version, name)| MigrationState {
            applied: unknown.remove(&version),
            name,
        })
        .collect();
    Ok(MigrationStatus {
        migrations,
        unknown: unknown.into_iter().collect(),
    })
}

fn applied(conn: &mut AnyConnection) -> Result<Vec<String>, DatabaseError> {
    let exists = match conn {
        AnyConnection::Sqlite(_) => {
            "SELECT count(*) AS count FROM sqlite_master \
             WHERE type = 'table' AND name = '__diesel_schema_migrations'"
        }
        AnyConnection::Postgres(_) => {
            "SELECT count(to_regclass('__diesel_schema_migrations')) AS count"
        }
    };
    let tables: Count = diesel::sql_query(exists).get_result(conn)?;
    if tables.count == 0 {
        return Ok(Vec::new());
    }
    __diesel_schema_migrations::table
        .select(__diesel_schema_migrations::version)
        .load(conn)
}

/// Version and name of each embedded migration.
fn names(conn: &AnyConnection) -> MigrationResult<Vec<(String, String)>> {
    fn of<DB: diesel::backend::Backend>(
        source: &EmbeddedMigrations,
    ) -> MigrationResult<Vec<(String, String)>> {
        let migrations: Vec<Box<dyn Migration<DB>>> = source.migrations()?;
        Ok(migrations
            .iter()
            .map(|m| (m.name().version().to_string(), m.name().to_string()))
            .collect())
    }
    match conn {
        AnyConnection::Sqlite(_) => of::<diesel::sqlite::Sqlite>(&SQLITE),
        AnyConnection::Postgres(_) => of::<diesel::pg::Pg>(&POSTGRES),
    }
}
