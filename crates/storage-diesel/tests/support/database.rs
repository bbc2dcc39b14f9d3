//! An empty database of a test's own, of either kind, that is gone when the test is over.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

/// The URL of a PostgreSQL server on which databases may be made.
const SERVER: &str = "RENEWD_TEST_POSTGRES_URL";

/// How many databases this process has made.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A database.
pub enum TestDatabase {
    /// A file in a directory of its own.
    Sqlite(tempfile::TempDir),
    /// One of the server's, and a connection to another that can drop it.
    Postgres {
        /// Its URL.
        url: String,
        /// Its name.
        name: String,
        /// The server's URL.
        server: String,
    },
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

impl TestDatabase {
    /// A file that does not exist yet.
    pub fn sqlite() -> Self {
        Self::Sqlite(tempfile::tempdir().unwrap())
    }

    /// A database without tables; `None`, and a word about it, if there is no server to make it on.
    pub fn postgres() -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the environment is how the test runner says where the server is"
        )]
        let Ok(server) = std::env::var(SERVER) else {
            println!("skipped: {SERVER} is not set");
            return None;
        };
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("renewd_test_{}_{count}", std::process::id());
        let mut conn = PgConnection::establish(&server).unwrap();
        conn.batch_execute(&format!("CREATE DATABASE {name}"))
            .unwrap();
        let (address, options) = server.split_once('?').unwrap_or((&server, ""));
        let (address, _) = address.rsplit_once('/').unwrap();
        let url = format!("{address}/{name}?{options}");
        Some(Self::Postgres { url, name, server })
    }

    /// One more of the same kind.
    pub fn another(&self) -> Option<Self> {
        match self {
            Self::Sqlite(_) => Some(Self::sqlite()),
            Self::Postgres { .. } => Self::postgres(),
        }
    }

    /// Where it is.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(_) => format!("sqlite://{}", self.path().display()),
            Self::Postgres { url, .. } => url.clone(),
        }
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::Sqlite(directory) => directory.path().join("renewd.db"),
            Self::Postgres { .. } => panic!("a server has no path"),
        }
    }

    /// Runs statements, as somebody at a prompt would.
    pub fn execute(&self, sql: &str) {
        match self {
            Self::Sqlite(_) => self.sqlite_connection().batch_execute(sql).unwrap(),
            Self::Postgres { .. } => self.postgres_connection().batch_execute(sql).unwrap(),
        }
    }

    /// Reads a number that the query calls `n`.
    pub fn number(&self, sql: &str) -> i64 {
        let row: Number = match self {
            Self::Sqlite(_) => diesel::sql_query(sql)
                .get_result(&mut self.sqlite_connection())
                .unwrap(),
            Self::Postgres { .. } => diesel::sql_query(sql)
                .get_result(&mut self.postgres_connection())
                .unwrap(),
        };
        row.n
    }

    /// A connection beside the storage's.
    pub fn sqlite_connection(&self) -> SqliteConnection {
        let mut conn = SqliteConnection::establish(self.path().to_str().unwrap()).unwrap();
        conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
        conn
    }

    /// A connection beside the storage's.
    pub fn postgres_connection(&self) -> PgConnection {
        PgConnection::establish(&self.url()).unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Self::Postgres { name, server, .. } = self {
            let sql = format!("DROP DATABASE {name} WITH (FORCE)");
            if let Ok(mut conn) = PgConnection::establish(server) {
                drop(conn.batch_execute(&sql));
            }
        }
    }
}
