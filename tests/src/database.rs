//! The database behind a server: chosen, made, read and altered by tests.

use std::env;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::pg::PgConnection;
use diesel::sql_types::Text;
use diesel::sqlite::SqliteConnection;
use diesel::{Connection, QueryableByName, RunQueryDsl, sql_query};
use uuid::Uuid;

/// Which database a server is to have.
#[derive(Debug, Clone)]
pub struct Database(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Sqlite,
    NewOn(String),
    At(String),
}

impl Database {
    /// A file in the server's own directory, where the server puts it unasked.
    pub fn sqlite() -> Self {
        Self(Kind::Sqlite)
    }

    /// A new database on the server that `RENEWD_TEST_POSTGRES_URL` names;
    /// `None` where it is not set.
    pub fn postgres() -> Option<Self> {
        env::var("RENEWD_TEST_POSTGRES_URL")
            .ok()
            .map(|url| Self::new_on(&url))
    }

    /// A new database on the server that this URL names; it goes with its server.
    pub fn new_on(url: &str) -> Self {
        Self(Kind::NewOn(url.to_owned()))
    }

    /// The database that this URL names, as that of a [`crate::Cluster`]; it stays.
    pub fn at(url: &str) -> Self {
        Self(Kind::At(url.to_owned()))
    }
}

/// A server's database.
#[derive(Debug)]
pub enum Store {
    /// An SQLite file, as its path.
    Sqlite(String),
    /// A PostgreSQL database that somebody else makes and removes, as its URL.
    Given(String),
    /// A PostgreSQL database of this server alone.
    Postgres {
        /// The URL of the database in which others are created.
        admin: String,
        /// The name of the new one.
        name: String,
    },
}

/// The key that a server on PostgreSQL has to be given: 32 bytes in base64.
const MASTER_KEY: &str = "nAWJCMdVWZpzRzrVt2Jk0xlvYbGPyLE3oPSvvUo6g1s=";

#[derive(QueryableByName)]
pub(crate) struct Row {
    #[diesel(sql_type = Text)]
    pub(crate) value: String,
}

impl Store {
    /// Makes it, for a server that runs in `directory`.
    pub fn new(database: Database, directory: &Path) -> Self {
        match database.0 {
            Kind::At(url) => Self::Given(url),
            Kind::Sqlite => Self::Sqlite(directory.join("data/renewd.db").display().to_string()),
            Kind::NewOn(admin) => {
                let name = format!("renewd_e2e_{}", Uuid::new_v4().simple());
                let mut connection = connect(&admin);
                connection
                    .batch_execute(&format!("CREATE DATABASE {name}"))
                    .expect("a new database");
                Self::Postgres { admin, name }
            }
        }
    }

    /// The URL, as in `RENEWD_DATABASE_URL`.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{path}"),
            Self::Given(url) => url.clone(),
            Self::Postgres { admin, name } => {
                let (server, query) = admin.split_once('?').unwrap_or((admin, ""));
                let (server, _) = server
                    .rsplit_once('/')
                    .expect("a URL that names a database");
                let mark = if query.is_empty() { "" } else { "?" };
                format!("{server}/{name}{mark}{query}")
            }
        }
    }

    /// What the server has to be told of it: nothing for SQLite, which is where
    /// the server looks by itself.
    pub fn settings(&self) -> Vec<(String, String)> {
        match self {
            Self::Sqlite(_) => Vec::new(),
            Self::Given(_) | Self::Postgres { .. } => vec![
                ("RENEWD_DATABASE_URL".to_owned(), self.url()),
                ("RENEWD_MASTER_KEY".to_owned(), MASTER_KEY.to_owned()),
            ],
        }
    }

    /// An id as a literal in SQL.
    pub fn id(&self, id: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("x'{}'", id.replace('-', "")),
            Self::Given(_) | Self::Postgres { .. } => format!("'{id}'::uuid"),
        }
    }

    /// A column of ids as text, in the form that tokens have.
    pub fn id_text(&self, column: &str) -> String {
        match self {
            Self::Sqlite(_) => {
                let hex = format!("lower(hex({column}))");
                let part = |from: u8, length: u8| format!("substr({hex}, {from}, {length})");
                [
                    part(1, 8),
                    part(9, 4),
                    part(13, 4),
                    part(17, 4),
                    part(21, 12),
                ]
                .join(" || '-' || ")
            }
            Self::Given(_) | Self::Postgres { .. } => format!("{column}::text"),
        }
    }

    /// A binary column as text, and that text as a literal again.
    pub fn hex(&self, column: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("hex({column})"),
            Self::Given(_) | Self::Postgres { .. } => format!("encode({column}, 'hex')"),
        }
    }

    /// Bytes, given in hexadecimal, as a literal in SQL.
    pub fn bytes(&self, hex: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("x'{hex}'"),
            Self::Given(_) | Self::Postgres { .. } => format!("'\\x{hex}'::bytea"),
        }
    }

    /// A time, in seconds from now, as a literal in SQL.
    pub fn time(&self, seconds_from_now: i64) -> String {
        match self {
            Self::Sqlite(_) => {
                format!("((unixepoch() + ({seconds_from_now})) * 1000000)")
            }
            Self::Given(_) | Self::Postgres { .. } => {
                format!("now() + interval '{seconds_from_now} seconds'")
            }
        }
    }

    /// Runs statements.
    ///
    /// # Panics
    /// Where the database refuses them.
    pub fn execute(&self, sql: &str) -> usize {
        match self {
            Self::Sqlite(path) => {
                let mut connection = open(path);
                sql_query(sql)
                    .execute(&mut connection)
                    .unwrap_or_else(|e| panic!("{sql}: {e}"))
            }
            Self::Given(_) | Self::Postgres { .. } => {
                let mut connection = connect(&self.url());
                sql_query(sql)
                    .execute(&mut connection)
                    .unwrap_or_else(|e| panic!("{sql}: {e}"))
            }
        }
    }

    /// The texts of `expression` in the rows of `rest` (`FROM …`).
    ///
    /// # Panics
    /// Where the database refuses.
    pub fn texts(&self, expression: &str, rest: &str) -> Vec<String> {
        self.try_texts(expression, rest)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Likewise, of a database that may be broken.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn try_texts(&self, expression: &str, rest: &str) -> Result<Vec<String>, String> {
        let sql = format!("SELECT CAST({expression} AS TEXT) AS value {rest}");
        let rows: Result<Vec<Row>, _> = match self {
            Self::Sqlite(path) => sql_query(&sql).load(&mut open(path)),
            Self::Given(_) | Self::Postgres { .. } => {
                sql_query(&sql).load(&mut connect(&self.url()))
            }
        };
        let rows = rows.map_err(|error| format!("{sql}: {error}"))?;
        Ok(rows.into_iter().map(|row| row.value).collect())
    }

    /// One column of a session's row, as text.
    pub fn session(&self, sid: &str, expression: &str) -> String {
        let rest = format!("FROM sessions WHERE id = {}", self.id(sid));
        let mut rows = self.texts(expression, &rest);
        assert_eq!(rows.len(), 1, "the session {sid}");
        rows.remove(0)
    }

    /// Takes a PostgreSQL database away from everybody who uses it, or gives it back.
    ///
    /// # Panics
    /// On SQLite.
    pub fn cut_off(&self, away: bool) {
        let Self::Postgres { admin, name } = self else {
            panic!("a file cannot be taken away");
        };
        let mut connection = connect(admin);
        let mut sql = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {};", !away);
        if away {
            sql += "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '";
            sql += name;
            sql += "'";
        }
        connection.batch_execute(&sql).expect("a superuser");
    }

    /// How many sessions of any user have not ended.
    pub fn live_sessions(&self) -> usize {
        let count = self.texts("count(*)", "FROM sessions WHERE ended_at IS NULL");
        count[0].parse().expect("a number")
    }

    /// The bytes of the database file and of everything beside it, write-ahead
    /// log included; empty for PostgreSQL.
    pub fn file_bytes(&self) -> Vec<u8> {
        let Self::Sqlite(path) = self else {
            return Vec::new();
        };
        ["", "-wal", "-shm"]
            .iter()
            .filter_map(|end| std::fs::read(format!("{path}{end}")).ok())
            .flatten()
            .collect()
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Self::Postgres { admin, name } = self {
            let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            let admin = PgConnection::establish(admin).map_err(|error| error.to_string());
            let dropped = admin.and_then(|mut admin| {
                admin
                    .batch_execute(&drop)
                    .map_err(|error| error.to_string())
            });
            if let Err(error) = dropped {
                println!("{name} is left behind: {error}");
            }
        }
    }
}

fn open(path: &str) -> SqliteConnection {
    let mut connection = SqliteConnection::establish(path).expect("the SQLite file opens");
    connection
        .batch_execute("PRAGMA busy_timeout = 10000")
        .expect("a busy timeout");
    connection
}

fn connect(url: &str) -> PgConnection {
    PgConnection::establish(url).unwrap_or_else(|error| panic!("PostgreSQL: {error}"))
}
