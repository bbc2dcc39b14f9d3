//! What a command has to say, and its two forms.

use std::collections::BTreeMap;

use serde::Serialize;
use storage_diesel::Restored;
use token_core::id::UserId;
use token_core::secret::SecretString;
use token_core::session::Session;
use token_core::time::Timestamp;
use token_core::user::User;

use super::database::{self, BackedUp, Copied, Status};
use super::session;
use super::table::printable;
use super::user::{self, UserJson};

/// What a command has to say.
pub enum Answer {
    /// Accounts, as a list.
    Users(Vec<User>),
    /// One account, in full.
    User(User),
    /// Something was done to an account.
    Done {
        /// What, in the past tense.
        verb: &'static str,
        /// The account as it is now, or as it was if it is gone.
        user: User,
        /// A password that was made up and can be seen only here.
        password: Option<SecretString>,
    },
    /// Sessions, as a list.
    Sessions {
        /// In this order.
        sessions: Vec<Session>,
        /// The names of their users, where they are wanted and known.
        names: BTreeMap<UserId, String>,
        /// The moment they are looked at.
        now: Timestamp,
    },
    /// So many sessions were ended.
    Ended(u64),
    /// These migrations were run.
    Migrated(Vec<String>),
    /// The state of the database.
    Status(Status),
    /// A database was copied.
    Copied(Copied),
    /// A backup was made.
    BackedUp(BackedUp),
    /// A restored database was taken over.
    Restored(Restored),
}

#[derive(Serialize)]
struct DoneJson<'a> {
    #[serde(flatten)]
    user: UserJson<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<&'a str>,
}

#[derive(Serialize)]
struct PasswordJson<'a> {
    password: &'a str,
}

#[derive(Serialize)]
struct EndedJson {
    ended: u64,
}

#[derive(Serialize)]
struct MigratedJson<'a> {
    applied: &'a [String],
}

impl Answer {
    /// One JSON document; when `quiet`, only what was asked for.
    pub fn json(&self, quiet: bool) -> serde_json::Result<String> {
        match self {
            Self::Users(users) => document(&users.iter().map(UserJson::of).collect::<Vec<_>>()),
            Self::User(user) => document(&UserJson::of(user)),
            Self::Sessions { sessions, .. } => document(&session::json(sessions)),
            Self::Status(status) => document(status),
            Self::Done {
                password: Some(password),
                ..
            } if quiet => document(&PasswordJson {
                password: password.expose(),
            }),
            _ if quiet && self.is_a_receipt() => Ok(String::new()),
            Self::Done { user, password, .. } => document(&DoneJson {
                user: UserJson::of(user),
                password: password.as_ref().map(SecretString::expose),
            }),
            Self::Ended(ended) => document(&EndedJson { ended: *ended }),
            Self::Migrated(applied) => document(&MigratedJson { applied }),
            Self::Copied(copied) => document(copied),
            Self::BackedUp(made) => document(made),
            Self::Restored(restored) => document(&database::RestoredJson::of(restored)),
        }
    }

    /// Lines to read; when `quiet`, only what was asked for.
    pub fn table(&self, quiet: bool) -> String {
        match self {
            Self::Users(users) => user::table(users),
            Self::User(user) => user::details(user),
            Self::Sessions {
                sessions,
                names,
                now,
            } => session::table(sessions, names, *now),
            Self::Status(status) => status.table(),
            Self::Done {
                password: Some(password),
                ..
            } if quiet => format!("{}\n", password.expose()),
            _ if quiet && self.is_a_receipt() => String::new(),
            Self::Done {
                verb,
                user,
                password,
            } => done(verb, user, password.as_ref()),
            Self::Ended(1) => "ended 1 session\n".to_owned(),
            Self::Ended(ended) => format!("ended {ended} sessions\n"),
            Self::Migrated(applied) if applied.is_empty() => "nothing to migrate\n".to_owned(),
            Self::Migrated(applied) => format!("ran {}\n", applied.join("\nran ")),
            Self::Copied(copied) => copied.table(),
            Self::BackedUp(made) => made.table(),
            Self::Restored(restored) => database::restored(restored),
        }
    }

    /// Whether it only says that something was done.
    const fn is_a_receipt(&self) -> bool {
        match self {
            Self::Users(_) | Self::User(_) | Self::Sessions { .. } | Self::Status(_) => false,
            Self::Done { .. }
            | Self::Ended(_)
            | Self::Migrated(_)
            | Self::Copied(_)
            | Self::BackedUp(_)
            | Self::Restored(_) => true,
        }
    }
}

fn done(verb: &str, user: &User, password: Option<&SecretString>) -> String {
    let name = printable(user.username.as_str());
    let mut text = format!("{verb} {name} ({})\n", user.id);
    if let Some(password) = password {
        text.push_str("password, shown only now: ");
        text.push_str(password.expose());
        text.push('\n');
    }
    text
}

fn document<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::super::database::tests::status;
    use super::super::user::tests::ada;
    use super::*;

    fn done(password: Option<&str>) -> Answer {
        Answer::Done {
            verb: "created",
            user: ada(),
            password: password.map(|text| text.to_owned().into()),
        }
    }

    #[test]
    fn what_was_done_is_told() {
        insta::assert_snapshot!(done(None).table(false), @"created ada (019a9d2e-0000-7000-8000-000000000001)");
        insta::assert_snapshot!(done(None).json(false).unwrap(), @r#"
        {
          "id": "019a9d2e-0000-7000-8000-000000000001",
          "username": "ada",
          "email": "ada@example.com",
          "full_name": "Ada Lovelace",
          "email_verified": false,
          "roles": [
            "admin",
            "ops"
          ],
          "created_at": "2027-01-15T08:00:00.25Z",
          "disabled_at": null
        }
        "#);
    }

    /// S135: a password is printed only where it was made up here.
    #[test]
    fn a_generated_password_is_shown_even_when_quiet() {
        let answer = done(Some("k7mx-9qpt"));
        insta::assert_snapshot!(answer.table(false), @"
        created ada (019a9d2e-0000-7000-8000-000000000001)
        password, shown only now: k7mx-9qpt
        ");
        assert_eq!(answer.table(true), "k7mx-9qpt\n");
        insta::assert_snapshot!(answer.json(true).unwrap(), @r#"
        {
          "password": "k7mx-9qpt"
        }
        "#);
        assert!(answer.json(false).unwrap().contains("k7mx-9qpt"));
        assert!(!done(None).json(false).unwrap().contains("password"));
    }

    #[test]
    fn quiet_keeps_only_what_was_asked_for() {
        for answer in [done(None), Answer::Ended(2), Answer::Migrated(Vec::new())] {
            assert_eq!(answer.table(true), "");
            assert_eq!(answer.json(true).unwrap(), "");
            assert_ne!(answer.table(false), "");
            assert_ne!(answer.json(false).unwrap(), "");
        }
        for answer in [
            Answer::Users(vec![ada()]),
            Answer::User(ada()),
            Answer::Status(status()),
        ] {
            assert_eq!(answer.table(true), answer.table(false));
            assert_eq!(answer.json(true).unwrap(), answer.json(false).unwrap());
        }
    }

    #[test]
    fn counts_are_told() {
        assert_eq!(Answer::Ended(0).table(false), "ended 0 sessions\n");
        assert_eq!(Answer::Ended(1).table(false), "ended 1 session\n");
        insta::assert_snapshot!(Answer::Ended(1).json(false).unwrap(), @r#"
        {
          "ended": 1
        }
        "#);
        let migrated = Answer::Migrated(vec!["2026-11-20-000000".to_owned()]);
        insta::assert_snapshot!(migrated.table(false), @"ran 2026-11-20-000000");
        insta::assert_snapshot!(migrated.json(false).unwrap(), @r#"
        {
          "applied": [
            "2026-11-20-000000"
          ]
        }
        "#);
    }
}
