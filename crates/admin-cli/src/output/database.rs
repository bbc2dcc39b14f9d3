//! The database itself: its state, and what was done to it as a whole.

use serde::Serialize;
use storage_diesel::{CopyReport, DatabaseUrl, InstallationState, Restored};

use super::table::{card, list, printable};

/// The state of the database.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Its URL, without a password.
    pub database: String,
    /// The newest migration that was run, if any was.
    pub schema_version: Option<String>,
    /// Whether it is where it says that it lives; unknown until the schema is there.
    pub installation: Option<InstallationJson>,
    /// Migrations that were not run yet.
    pub pending: Vec<String>,
    /// How many accounts there are; unknown until the schema is there.
    pub users: Option<u64>,
    /// How many sessions there are.
    pub sessions: Option<SessionCounts>,
}

/// How many sessions there are.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SessionCounts {
    /// Whose refresh token works.
    pub live: u64,
    /// All that are kept, ended ones too.
    pub stored: u64,
}

/// Whether a database is where it says that it lives.
#[derive(Debug, Clone, Serialize)]
pub struct InstallationJson {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    backup_at: Option<String>,
    #[serde(skip)]
    told: String,
}

impl InstallationJson {
    /// Of this state.
    pub fn of(state: &InstallationState) -> Self {
        let backup_at = match state {
            InstallationState::Backup(at) => Some(at.to_rfc3339()),
            InstallationState::Unrecorded
            | InstallationState::Original
            | InstallationState::Copy { .. } => None,
        };
        Self {
            state: state.as_str(),
            backup_at,
            told: state.to_string(),
        }
    }
}

/// What was copied.
#[derive(Debug, Serialize)]
pub struct Copied {
    from: String,
    to: String,
    tables: Vec<CopiedTable>,
}

#[derive(Debug, Serialize)]
struct CopiedTable {
    table: &'static str,
    rows: u64,
}

impl Copied {
    /// From there to there.
    pub fn new(from: &DatabaseUrl, to: &DatabaseUrl, report: &CopyReport) -> Self {
        let tables = report.tables.iter().map(|copied| CopiedTable {
            table: copied.table,
            rows: copied.rows,
        });
        Self {
            from: from.to_string(),
            to: to.to_string(),
            tables: tables.collect(),
        }
    }

    /// Lines to read.
    pub fn table(&self) -> String {
        let rows = self.tables.iter();
        list(
            ["TABLE", "ROWS COPIED"],
            rows.map(|copied| [copied.table.to_owned(), copied.rows.to_string()]),
        )
    }
}

/// A backup that was made.
#[derive(Debug, Serialize)]
pub struct BackedUp {
    /// Where.
    pub file: String,
    /// How large.
    pub bytes: u64,
    /// When, in RFC 3339.
    pub made_at: String,
}

impl BackedUp {
    /// A line to read.
    pub fn table(&self) -> String {
        let Self { file, bytes, .. } = self;
        format!("wrote {} ({bytes} bytes)\n", printable(file))
    }
}

/// What was done to a restored database.
#[derive(Serialize)]
pub struct RestoredJson {
    was: InstallationJson,
    ended: u64,
}

impl RestoredJson {
    /// Of this outcome.
    pub fn of(restored: &Restored) -> Self {
        Self {
            was: InstallationJson::of(&restored.was),
            ended: restored.ended.unwrap_or_default(),
        }
    }
}

/// The same, as lines to read.
pub fn restored(restored: &Restored) -> String {
    let sessions = match restored.ended {
        None => "kept all sessions".to_owned(),
        Some(1) => "ended 1 session".to_owned(),
        Some(ended) => format!("ended {ended} sessions"),
    };
    format!("{sessions}; the database is an original from now on\n")
}

impl Status {
    /// Lines to read.
    pub fn table(&self) -> String {
        let pending = match self.pending.len() {
            0 => "none".to_owned(),
            _ => self.pending.join(" "),
        };
        let unknown = || "-".to_owned();
        let mut rows = vec![
            ("database", printable(&self.database)),
            (
                "schema version",
                self.schema_version.clone().unwrap_or_else(unknown),
            ),
            ("pending migrations", pending),
        ];
        if let Some(installation) = &self.installation {
            rows.push(("installation", installation.told.clone()));
        }
        if let Some(users) = self.users {
            rows.push(("users", users.to_string()));
        }
        if let Some(sessions) = self.sessions {
            rows.push(("live sessions", sessions.live.to_string()));
            rows.push(("stored sessions", sessions.stored.to_string()));
        }
        card(rows)
    }
}

#[cfg(test)]
pub mod tests {
    use token_core::time::Timestamp;

    use super::*;

    /// The state of some database.
    pub fn status() -> Status {
        Status {
            database: "sqlite://data/renewd.db".to_owned(),
            schema_version: Some("2026-11-20-000000".to_owned()),
            installation: Some(InstallationJson::of(&InstallationState::Original)),
            pending: Vec::new(),
            users: Some(2),
            sessions: Some(SessionCounts { live: 3, stored: 5 }),
        }
    }

    fn json(value: &impl Serialize) -> String {
        serde_json::to_string_pretty(value).unwrap()
    }

    fn at() -> Timestamp {
        Timestamp::from_micros(1_800_000_000_000_000)
    }

    #[test]
    fn the_state_of_the_database_is_told() {
        insta::assert_snapshot!(status().table(), @"
        database            sqlite://data/renewd.db
        schema version      2026-11-20-000000
        pending migrations  none
        installation        original
        users               2
        live sessions       3
        stored sessions     5
        ");
        insta::assert_snapshot!(json(&status()), @r#"
        {
          "database": "sqlite://data/renewd.db",
          "schema_version": "2026-11-20-000000",
          "installation": {
            "state": "original"
          },
          "pending": [],
          "users": 2,
          "sessions": {
            "live": 3,
            "stored": 5
          }
        }
        "#);
        let empty = Status {
            schema_version: None,
            installation: None,
            pending: vec!["2026-11-20-000000".to_owned()],
            users: None,
            sessions: None,
            ..status()
        };
        insta::assert_snapshot!(empty.table(), @"
        database            sqlite://data/renewd.db
        schema version      -
        pending migrations  2026-11-20-000000
        ");
    }

    #[test]
    fn a_copy_is_told_from_the_original() {
        let backup = InstallationJson::of(&InstallationState::Backup(at()));
        let status = Status {
            installation: Some(backup.clone()),
            ..status()
        };
        assert!(
            status
                .table()
                .contains("a backup made at 2027-01-15T08:00:00Z")
        );
        insta::assert_snapshot!(json(&backup), @r#"
        {
          "state": "backup",
          "backup_at": "2027-01-15T08:00:00Z"
        }
        "#);
        let copy = InstallationState::Copy {
            place: "7/1/2".to_owned(),
            found_at: "8/1/2".to_owned(),
        };
        insta::assert_snapshot!(json(&InstallationJson::of(&copy)), @r#"
        {
          "state": "copy"
        }
        "#);
    }

    #[test]
    fn what_was_done_is_told() {
        let copied = Copied {
            from: "sqlite://data/renewd.db".to_owned(),
            to: "postgres://db/renewd".to_owned(),
            tables: vec![
                CopiedTable {
                    table: "users",
                    rows: 2,
                },
                CopiedTable {
                    table: "sessions",
                    rows: 1_000,
                },
            ],
        };
        insta::assert_snapshot!(copied.table(), @"
        TABLE     ROWS COPIED
        users     2
        sessions  1000
        ");
        insta::assert_snapshot!(json(&copied), @r#"
        {
          "from": "sqlite://data/renewd.db",
          "to": "postgres://db/renewd",
          "tables": [
            {
              "table": "users",
              "rows": 2
            },
            {
              "table": "sessions",
              "rows": 1000
            }
          ]
        }
        "#);
        let made = BackedUp {
            file: "b.db".to_owned(),
            bytes: 4_096,
            made_at: at().to_rfc3339(),
        };
        insta::assert_snapshot!(made.table(), @"wrote b.db (4096 bytes)");
        insta::assert_snapshot!(json(&made), @r#"
        {
          "file": "b.db",
          "bytes": 4096,
          "made_at": "2027-01-15T08:00:00Z"
        }
        "#);
        let done = |ended| Restored {
            was: InstallationState::Backup(at()),
            ended,
        };
        insta::assert_snapshot!(restored(&done(Some(1))), @"ended 1 session; the database is an original from now on");
        insta::assert_snapshot!(restored(&done(None)), @"kept all sessions; the database is an original from now on");
        insta::assert_snapshot!(json(&RestoredJson::of(&done(Some(3)))), @r#"
        {
          "was": {
            "state": "backup",
            "backup_at": "2027-01-15T08:00:00Z"
          },
          "ended": 3
        }
        "#);
    }
}
