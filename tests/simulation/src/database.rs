//! The file: made once, copied for every seed, and read by the judge over a connection of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};
use tempfile::TempDir;

/// A session as its row stands.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct SessionRow {
    /// The id in hexadecimal digits.
    #[diesel(sql_type = Text)]
    pub id: String,
    #[diesel(sql_type = Text)]
    pub user_id: String,
    #[diesel(sql_type = BigInt)]
    pub generation: i64,
    #[diesel(sql_type = Text)]
    pub digest: String,
    #[diesel(sql_type = BigInt)]
    pub rotated_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub recovered_generation: Option<i64>,
    #[diesel(sql_type = BigInt)]
    pub expires_at: i64,
    #[diesel(sql_type = BigInt)]
    pub max_expires_at: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub ended_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    pub end_reason: Option<String>,
}

/// A user as the row stands.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct UserRow {
    #[diesel(sql_type = Text)]
    pub id: String,
    #[diesel(sql_type = Text)]
    pub username: String,
    #[diesel(sql_type = Text)]
    pub password_hash: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub disabled_at: Option<i64>,
}

#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    session: Option<String>,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Everything that the judge looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    pub sessions: BTreeMap<String, SessionRow>,
    pub users: BTreeMap<String, UserRow>,
}

/// The file of one seed, gone when this is dropped.
pub struct Database {
    path: PathBuf,
    conn: Mutex<SqliteConnection>,
    /// What was read last, and the version of the file by then.
    seen: Mutex<Option<(i64, Rows)>>,
    _directory: TempDir,
}

/// A directory in memory where there is one: what a power cut leaves is tested elsewhere.
pub fn directory() -> TempDir {
    let mut builder = tempfile::Builder::new();
    builder.prefix("renewd-simulation-");
    builder
        .tempdir_in("/dev/shm")
        .or_else(|_| builder.tempdir())
        .expect("a temporary directory can be made")
}

/// Moves what is still beside a file into it.
pub fn whole(path: &Path) {
    let mut conn =
        SqliteConnection::establish(&path.display().to_string()).expect("the file can be opened");
    diesel::sql_query("PRAGMA wal_checkpoint(TRUNCATE)")
        .execute(&mut conn)
        .expect("the file can be made whole");
}

impl Database {
    /// A copy of the template.
    pub fn copy(template: &[u8]) -> Self {
        let directory = directory();
        let path = directory.path().join("renewd.db");
        std::fs::write(&path, template).expect("the template can be copied");
        let mut conn = SqliteConnection::establish(&path.display().to_string())
            .expect("the copy can be opened");
        diesel::sql_query("PRAGMA busy_timeout = 5000")
            .execute(&mut conn)
            .expect("a setting can be made");
        Self {
            path,
            conn: Mutex::new(conn),
            seen: Mutex::new(None),
            _directory: directory,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// As they are now. Most steps leave the file alone, and then nothing is read again.
    pub fn rows(&self) -> Rows {
        let version = self.version();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, rows)) = seen.as_ref().filter(|(then, _)| *then == version) {
            return rows.clone();
        }
        let rows = self.read();
        *seen = Some((version, rows.clone()));
        rows
    }

    /// A number that changes when another connection has written.
    fn version(&self) -> i64 {
        #[derive(QueryableByName)]
        struct Version {
            #[diesel(sql_type = BigInt)]
            data_version: i64,
        }
        let mut conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        let version: Version = diesel::sql_query("PRAGMA data_version")
            .get_result(&mut *conn)
            .expect("the version can be read");
        version.data_version
    }

    fn read(&self) -> Rows {
        let mut conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        let sessions: Vec<SessionRow> = diesel::sql_query(
            "SELECT lower(hex(id)) AS id, lower(hex(user_id)) AS user_id, generation, \
             lower(hex(refresh_digest)) AS digest, rotated_at, recovered_generation, expires_at, \
             max_expires_at, ended_at, end_reason FROM sessions",
        )
        .load(&mut *conn)
        .expect("sessions can be read");
        let users: Vec<UserRow> = diesel::sql_query(
            "SELECT lower(hex(id)) AS id, username, password_hash, disabled_at FROM users",
        )
        .load(&mut *conn)
        .expect("users can be read");
        Rows {
            sessions: sessions
                .into_iter()
                .map(|row| (row.id.clone(), row))
                .collect(),
            users: users.into_iter().map(|row| (row.id.clone(), row)).collect(),
        }
    }

    /// How many audit events there are of each kind for each session.
    pub fn audit(&self) -> BTreeMap<(String, String), i64> {
        let mut conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        let told: Vec<Told> = diesel::sql_query(
            "SELECT kind, lower(hex(session_id)) AS session, count(*) AS n FROM audit_events \
             GROUP BY kind, session_id",
        )
        .load(&mut *conn)
        .expect("the audit log can be read");
        told.into_iter()
            .map(|told| ((told.kind, told.session.unwrap_or_default()), told.n))
            .collect()
    }

    /// What SQLite says of the file's own state: `ok`, or what is broken.
    pub fn integrity(&self) -> String {
        #[derive(QueryableByName)]
        struct Verdict {
            #[diesel(sql_type = Text)]
            integrity_check: String,
        }
        let mut conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        let verdicts: Vec<Verdict> = diesel::sql_query("PRAGMA integrity_check")
            .load(&mut *conn)
            .expect("the file can be checked");
        let verdicts: Vec<String> = verdicts.into_iter().map(|v| v.integrity_check).collect();
        verdicts.join("; ")
    }

    /// A defect's own hand in the rows.
    pub fn meddle(&self, sql: &str) {
        let mut conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        diesel::sql_query(sql)
            .execute(&mut *conn)
            .expect("a defect can write");
        // The connection's own writing does not change its version.
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// An id as the rows show it.
pub fn key(id: impl ToString) -> String {
    id.to_string().replace('-', "")
}
