//! What a command has to say, and its two forms.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use token_core::client::{ClientSecret, RegisteredClient};
use token_core::id::{ClientId, UserId};
use token_core::secret::SecretString;
use token_core::session::Session;
use token_core::store::StoredKey;
use token_core::time::Timestamp;
use token_core::user::User;

use super::client::{self, ClientJson};
use super::key::{self, BackedUp, KeyJson, RetiredJson, Rewrapped};
use super::session;
use super::table::{card, printable};
use super::token::{self, InspectedJson, Verdict};
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
    /// Keys, as a list.
    Keys(Vec<StoredKey>),
    /// A key was made that will take over.
    KeyMade(StoredKey),
    /// A key is refused from now on.
    KeyRetired {
        /// Which.
        retired: StoredKey,
        /// The active one of its purpose.
        successor: Option<StoredKey>,
    },
    /// All keys are sealed under another master key.
    Rewrapped(Rewrapped),
    /// The keys were written to a file.
    BackedUp(BackedUp),
    /// Registered clients, as a list.
    Clients(Vec<RegisteredClient>),
    /// A client was registered.
    ClientCreated {
        /// The client.
        client: RegisteredClient,
        /// Its secret, which can be seen only here.
        secret: ClientSecret,
    },
    /// A client was deleted.
    ClientDeleted {
        /// Which.
        id: ClientId,
        /// How many sessions ended with it.
        ended: u64,
    },
    /// What a token says; nothing of it is verified.
    Inspected {
        /// Its header.
        header: Map<String, Value>,
        /// Its claims.
        claims: Map<String, Value>,
    },
    /// Whether a token is good.
    Verified(Verdict),
    /// So many sessions were ended.
    Ended(u64),
    /// These migrations were run.
    Migrated(Vec<String>),
    /// The state of the database.
    Status(Status),
}

/// The state of the database.
#[derive(Debug, Serialize)]
pub struct Status {
    /// Its URL, without a password.
    pub database: String,
    /// The newest migration that was run, if any was.
    pub schema_version: Option<String>,
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
struct ClientCreatedJson<'a> {
    #[serde(flatten)]
    client: ClientJson<'a>,
    client_secret: &'a str,
}

#[derive(Serialize)]
struct ClientDeletedJson<'a> {
    client_id: &'a ClientId,
    ended: u64,
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
    /// Whether a question was answered with no.
    pub const fn is_no(&self) -> bool {
        matches!(self, Self::Verified(verdict) if !verdict.is_valid())
    }

    /// One JSON document; when `quiet`, only what was asked for.
    pub fn json(&self, quiet: bool) -> serde_json::Result<String> {
        match self {
            Self::Users(users) => document(&users.iter().map(UserJson::of).collect::<Vec<_>>()),
            Self::User(user) => document(&UserJson::of(user)),
            Self::Sessions { sessions, .. } => document(&session::json(sessions)),
            Self::Status(status) => document(status),
            Self::Clients(clients) => {
                document(&clients.iter().map(ClientJson::of).collect::<Vec<_>>())
            }
            Self::ClientCreated { client, secret } => document(&ClientCreatedJson {
                client: ClientJson::of(client),
                client_secret: secret.expose(),
            }),
            Self::Inspected { header, claims } => document(&InspectedJson::of(header, claims)),
            Self::Verified(verdict) => document(&verdict.json()),
            Self::Done {
                password: Some(password),
                ..
            } if quiet => document(&PasswordJson {
                password: password.expose(),
            }),
            _ if quiet && self.is_remark() => Ok(String::new()),
            Self::ClientDeleted { id, ended } => document(&ClientDeletedJson {
                client_id: id,
                ended: *ended,
            }),
            Self::Done { user, password, .. } => document(&DoneJson {
                user: UserJson::of(user),
                password: password.as_ref().map(SecretString::expose),
            }),
            Self::Ended(ended) => document(&EndedJson { ended: *ended }),
            Self::Migrated(applied) => document(&MigratedJson { applied }),
            Self::Keys(keys) => document(&keys.iter().map(KeyJson::of).collect::<Vec<_>>()),
            Self::KeyMade(key) => document(&KeyJson::of(key)),
            Self::KeyRetired { retired, successor } => {
                document(&RetiredJson::of(retired, successor.as_ref()))
            }
            Self::Rewrapped(rewrapped) => document(rewrapped),
            Self::BackedUp(backed_up) => document(backed_up),
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
            Self::Clients(clients) => client::table(clients),
            Self::ClientCreated { client, secret } => client::created(client, secret),
            Self::Inspected { header, claims } => token::inspected(header, claims),
            Self::Verified(verdict) => verdict.table(),
            Self::Done {
                password: Some(password),
                ..
            } if quiet => format!("{}\n", password.expose()),
            _ if quiet && self.is_remark() => String::new(),
            Self::ClientDeleted { id, ended } => format!("deleted {id}, {}\n", sessions(*ended)),
            Self::Done {
                verb,
                user,
                password,
            } => done(verb, user, password.as_ref()),
            Self::Ended(ended) => format!("{}\n", sessions(*ended)),
            Self::Migrated(applied) if applied.is_empty() => "nothing to migrate\n".to_owned(),
            Self::Migrated(applied) => format!("ran {}\n", applied.join("\nran ")),
            Self::Keys(keys) => key::table(keys),
            Self::KeyMade(made) => key::made(made),
            Self::KeyRetired { retired, successor } => key::retired(retired, successor.as_ref()),
            Self::Rewrapped(rewrapped) => rewrapped.table(),
            Self::BackedUp(backed_up) => backed_up.table(),
        }
    }

    /// Whether it says what was done, rather than what was asked for.
    const fn is_remark(&self) -> bool {
        match self {
            Self::Users(_)
            | Self::User(_)
            | Self::Sessions { .. }
            | Self::Keys(_)
            | Self::Clients(_)
            | Self::ClientCreated { .. }
            | Self::Inspected { .. }
            | Self::Verified(_)
            | Self::Status(_) => false,
            Self::Done { .. }
            | Self::KeyMade(_)
            | Self::KeyRetired { .. }
            | Self::Rewrapped(_)
            | Self::BackedUp(_)
            | Self::ClientDeleted { .. }
            | Self::Ended(_)
            | Self::Migrated(_) => true,
        }
    }
}

impl Status {
    fn table(&self) -> String {
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

fn sessions(ended: u64) -> String {
    let plural = if ended == 1 { "" } else { "s" };
    format!("ended {ended} session{plural}")
}

fn document<T: Serialize + ?Sized>(value: &T) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(|text| text + "\n")
}

#[cfg(test)]
mod tests {
    use super::super::user::tests::ada;
    use super::*;

    fn done(password: Option<&str>) -> Answer {
        Answer::Done {
            verb: "created",
            user: ada(),
            password: password.map(|text| text.to_owned().into()),
        }
    }

    fn status() -> Status {
        Status {
            database: "sqlite://data/renewd.db".to_owned(),
            schema_version: Some("2026-11-20-000000".to_owned()),
            pending: Vec::new(),
            users: Some(2),
            sessions: Some(SessionCounts { live: 3, stored: 5 }),
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

    #[test]
    fn the_state_of_the_database_is_told() {
        insta::assert_snapshot!(Answer::Status(status()).table(false), @"
        database            sqlite://data/renewd.db
        schema version      2026-11-20-000000
        pending migrations  none
        users               2
        live sessions       3
        stored sessions     5
        ");
        insta::assert_snapshot!(Answer::Status(status()).json(false).unwrap(), @r#"
        {
          "database": "sqlite://data/renewd.db",
          "schema_version": "2026-11-20-000000",
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
            pending: vec!["2026-11-20-000000".to_owned()],
            users: None,
            sessions: None,
            ..status()
        };
        insta::assert_snapshot!(Answer::Status(empty).table(false), @"
        database            sqlite://data/renewd.db
        schema version      -
        pending migrations  2026-11-20-000000
        ");
    }
}
