//! `renewctl key backup`

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde::Serialize;
use token_core::id::AuditId;
use token_core::secret::SecretString;
use token_core::store::{AuditEvent, AuditKind, KeyStore, SessionStore, StoredKey};
use token_core::time::Timestamp;

use crate::args::BackUpKeys;
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::hashing::key_sources;
use crate::output::{Answer, KeysBackedUp};

/// What somebody who finds the file in some years has to know.
const REMINDER: &str = "The keys in `keys` are encrypted under the master key named `master_kid`: \
    without it they open to nobody. See docs/keys.md of renewd for how they are put back.";

/// The file.
#[derive(Serialize)]
struct Document<'a> {
    reminder: &'static str,
    database: String,
    made_at: Timestamp,
    master_kid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    master_key: Option<&'a str>,
    keys: Vec<Row<'a>>,
}

/// A key, as its row has it.
#[derive(Serialize)]
struct Row<'a> {
    purpose: &'static str,
    kid: &'a str,
    alg: &'a str,
    state: &'static str,
    public_jwk: Option<&'a str>,
    sealed_hex: String,
    master_kid: &'a str,
    created_at: Timestamp,
    published_at: Option<Timestamp>,
    activated_at: Option<Timestamp>,
    retiring_at: Option<Timestamp>,
}

/// Writes all keys that are not retired to a new file that only its owner reads. The master key
/// is proven to open them first, so that nobody keeps a backup that opens to no key they have.
pub fn run(how: &BackUpKeys, context: &Context) -> Result<Answer, Failure> {
    let store = context.open()?;
    if wait(store.keys())?.is_empty() {
        return Err(Failure::NoKeys);
    }
    let sources = key_sources(&store, context)?;
    let keys = wait(store.keys())?;
    let now = store.clock().now();
    let master = how
        .include_master_key
        .then(|| SecretString::new(sources.master.to_text()));
    let document = Document {
        reminder: REMINDER,
        database: context.settings.database.to_string(),
        made_at: now,
        master_kid: sources.master.kid(),
        master_key: master.as_ref().map(SecretString::expose),
        keys: keys.iter().map(row).collect(),
    };
    let failed = |source| Failure::BackupFile {
        path: how.to.clone(),
        source,
    };
    let text = serde_json::to_vec_pretty(&document).map_err(|error| failed(error.into()))?;
    write(&how.to, &text).map_err(failed)?;
    wait(store.record(AuditEvent {
        id: AuditId::generate(now, context.entropy.as_ref()),
        at: now,
        kind: AuditKind::KeysBackedUp,
        user_id: None,
        session_id: None,
        detail: format!("keys={} master_key={}", keys.len(), how.include_master_key),
    }))?;
    Ok(Answer::KeysBackedUp(KeysBackedUp {
        file: how.to.clone(),
        keys: keys.len(),
        master_key_included: how.include_master_key,
    }))
}

fn row(key: &StoredKey) -> Row<'_> {
    let sealed_hex = key.sealed.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    Row {
        purpose: key.purpose.as_str(),
        kid: key.kid.as_str(),
        alg: &key.alg,
        state: key.state.as_str(),
        public_jwk: key.public_jwk.as_deref(),
        sealed_hex,
        master_kid: &key.master_kid,
        created_at: key.created_at,
        published_at: key.times.published_at,
        activated_at: key.times.activated_at,
        retiring_at: key.times.retiring_at,
    }
}

/// Never over a file that is there: it may be the backup before.
fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text)?;
    file.write_all(b"\n")?;
    file.sync_all()
}
