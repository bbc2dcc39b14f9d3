//! Refresh tokens for sessions that SQL has written: the secret is drawn here, its digest goes into
//! the row, and the token is signed with the key that the server was given.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::PgConnection;
use diesel::sqlite::SqliteConnection;
use e2e::Server;
use e2e::database::Store;
use e2e::server::ISSUER;
use token_core::id::{ClientId, SessionId, UserId};
use token_core::random::SystemEntropy;
use token_core::secret::RefreshSecret;
use token_core::session::{ClientFacts, Session, Transport};
use token_core::time::Timestamp;
use token_core::token::refresh;
use uuid::Uuid;

use crate::seed::refresh_key;

/// A file with a refresh token on each line, all of different sessions.
pub struct TokenPool(PathBuf);

impl TokenPool {
    /// Tokens of so many sessions, drawn at random from all that there are.
    pub fn draw(server: &Server, count: usize) -> Result<Self> {
        let store = server.store();
        let rest =
            format!("FROM sessions WHERE transport = 'body' ORDER BY random() LIMIT {count}");
        let rows = store.texts(columns(store), &rest);
        ensure!(!rows.is_empty(), "there are no sessions");
        let (key, entropy) = (refresh_key(), SystemEntropy::default());
        let mut tokens = String::new();
        let mut sql = "BEGIN;".to_owned();
        for row in rows {
            let secret = RefreshSecret::generate(&entropy);
            let session = session(&row, &secret)?;
            let token = refresh::mint(ISSUER, &key, &session, &secret);
            writeln!(tokens, "{}", token.expose())?;
            let id = store.id(&session.id.to_string());
            let digest = hex(session.refresh_digest.as_bytes());
            let digest = store.bytes(&digest);
            write!(
                sql,
                "UPDATE sessions SET refresh_digest = {digest} WHERE id = {id};"
            )?;
        }
        sql += "COMMIT;";
        execute(store, &sql)?;
        let path = server.directory().join("tokens");
        fs::write(&path, tokens)?;
        Ok(Self(path))
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

/// The columns of a session that its token repeats, as one text.
const fn columns(store: &Store) -> &'static str {
    match store {
        Store::Sqlite(_) => {
            "hex(id) || ' ' || hex(user_id) || ' ' || generation || ' ' || rotated_at || ' ' || \
             expires_at || ' ' || max_expires_at"
        }
        Store::Given(_) | Store::Postgres { .. } => {
            "id || ' ' || user_id || ' ' || generation || ' ' || \
             (extract(epoch FROM rotated_at) * 1000000)::bigint || ' ' || \
             (extract(epoch FROM expires_at) * 1000000)::bigint || ' ' || \
             (extract(epoch FROM max_expires_at) * 1000000)::bigint"
        }
    }
}

/// A session as its row stands, of which the token repeats some.
fn session(row: &str, secret: &RefreshSecret) -> Result<Session> {
    let mut words = row.split(' ');
    let mut word = || words.next().context("a column is missing");
    let id = Uuid::parse_str(word()?)?;
    let user = Uuid::parse_str(word()?)?;
    let generation = word()?.parse()?;
    let mut time = || anyhow::Ok(Timestamp::from_micros(word()?.parse()?));
    let rotated_at = time()?;
    Ok(Session {
        id: SessionId::from_uuid(id),
        user_id: UserId::from_uuid(user),
        client_id: ClientId::first_party(),
        scope: String::new(),
        generation,
        refresh_digest: secret.digest(),
        refresh_kid: refresh_key().kid().clone(),
        rotated_at,
        recovered_generation: None,
        created_at: rotated_at,
        authenticated_at: rotated_at,
        expires_at: time()?,
        max_expires_at: time()?,
        ended: None,
        client: ClientFacts::default(),
        transport: Transport::Body,
        remember: true,
        amr: Vec::new(),
        status: None,
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Runs many statements at once.
fn execute(store: &Store, sql: &str) -> Result<()> {
    match store {
        Store::Sqlite(path) => {
            let mut connection = SqliteConnection::establish(path)?;
            connection.batch_execute("PRAGMA busy_timeout = 20000")?;
            connection.batch_execute(sql)?;
        }
        Store::Given(_) | Store::Postgres { .. } => {
            PgConnection::establish(&store.url())?.batch_execute(sql)?;
        }
    }
    Ok(())
}
