//! Keys as they are printed: never a secret part, sealed or not.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;
use token_core::store::{KeyPurpose, StoredKey};
use token_core::time::Timestamp;

use super::table::{list, time};

/// A key in JSON.
#[derive(Serialize)]
pub struct KeyJson<'a> {
    kid: &'a str,
    purpose: &'static str,
    alg: &'a str,
    state: &'static str,
    created_at: Timestamp,
    published_at: Option<Timestamp>,
    activated_at: Option<Timestamp>,
    retiring_at: Option<Timestamp>,
    retired_at: Option<Timestamp>,
    master_kid: &'a str,
    public_jwk: Option<Value>,
}

/// A key that was retired, and which one signs now.
#[derive(Serialize)]
pub struct RetiredJson<'a> {
    retired: &'a str,
    successor: Option<KeyJson<'a>>,
}

/// All keys are sealed under another master key.
#[derive(Debug, Serialize)]
pub struct Rewrapped {
    /// How many.
    pub keys: usize,
    /// The name of the new master key.
    pub master_kid: String,
    /// Where it is.
    pub new_master_key_file: PathBuf,
    /// Whether the server finds it by itself.
    pub in_place: bool,
    /// Where the old one is kept, if it was replaced.
    pub kept: Option<PathBuf>,
}

/// The keys were written to a file.
#[derive(Debug, Serialize)]
pub struct KeysBackedUp {
    /// Which.
    pub file: PathBuf,
    /// How many.
    pub keys: usize,
    /// Whether what opens them is in it too.
    pub master_key_included: bool,
}

impl<'a> KeyJson<'a> {
    /// The key as it goes into a document.
    pub fn of(key: &'a StoredKey) -> Self {
        Self {
            kid: key.kid.as_str(),
            purpose: key.purpose.as_str(),
            alg: &key.alg,
            state: key.state.as_str(),
            created_at: key.created_at,
            published_at: key.times.published_at,
            activated_at: key.times.activated_at,
            retiring_at: key.times.retiring_at,
            retired_at: key.times.retired_at,
            master_kid: &key.master_kid,
            public_jwk: key
                .public_jwk
                .as_deref()
                .and_then(|jwk| serde_json::from_str(jwk).ok()),
        }
    }
}

impl<'a> RetiredJson<'a> {
    /// The two keys as they go into a document.
    pub fn of(retired: &'a StoredKey, successor: Option<&'a StoredKey>) -> Self {
        Self {
            retired: retired.kid.as_str(),
            successor: successor.map(KeyJson::of),
        }
    }
}

/// A line for each key.
pub fn table(keys: &[StoredKey]) -> String {
    let header = [
        "KID",
        "PURPOSE",
        "ALG",
        "STATE",
        "CREATED",
        "PUBLISHED",
        "ACTIVATED",
        "RETIRING",
        "RETIRED",
    ];
    let maybe = |at: Option<Timestamp>| at.map(time).unwrap_or_default();
    let row = |key: &StoredKey| {
        [
            key.kid.to_string(),
            key.purpose.as_str().to_owned(),
            key.alg.clone(),
            key.state.as_str().to_owned(),
            time(key.created_at),
            maybe(key.times.published_at),
            maybe(key.times.activated_at),
            maybe(key.times.retiring_at),
            maybe(key.times.retired_at),
        ]
    };
    list(header, keys.iter().map(row))
}

/// What is told of a new key.
pub fn made(key: &StoredKey) -> String {
    let (kid, alg, purpose) = (&key.kid, &key.alg, name(key.purpose));
    format!(
        "made the {purpose} {kid} ({alg})\nit takes over by itself as soon as everybody has had the time to learn of it\n"
    )
}

/// What is told of a retired key.
pub fn retired(key: &StoredKey, successor: Option<&StoredKey>) -> String {
    let mut text = format!("retired the {} {}\n", name(key.purpose), key.kid);
    if let Some(successor) = successor {
        let _ = writeln!(text, "active now: {}", successor.kid);
    }
    text
}

impl Rewrapped {
    /// Lines to read.
    pub fn table(&self) -> String {
        let mut text = format!(
            "sealed {} keys under the master key {}\n",
            self.keys, self.master_kid
        );
        if let Some(kept) = &self.kept {
            let kept = kept.display();
            let _ = writeln!(
                text,
                "the old one is kept as {kept}, for backups made before"
            );
        }
        if self.in_place {
            text.push_str("restart the server: until then it uses the keys it has read\n");
        } else {
            let file = self.new_master_key_file.display();
            let _ = writeln!(
                text,
                "start the server with RENEWD_MASTER_KEY_FILE={file} from now on"
            );
        }
        text
    }
}

impl KeysBackedUp {
    /// Lines to read.
    pub fn table(&self) -> String {
        let (file, keys) = (self.file.display(), self.keys);
        if self.master_key_included {
            format!("wrote {keys} keys and the master key to {file}: whoever has it has them all\n")
        } else {
            format!("wrote {keys} keys to {file}: keep the master key too, elsewhere\n")
        }
    }
}

const fn name(purpose: KeyPurpose) -> &'static str {
    match purpose {
        KeyPurpose::Access => "access key",
        KeyPurpose::Refresh => "refresh key",
        KeyPurpose::Pepper => "pepper",
        KeyPurpose::MasterCheck => "probe",
    }
}

#[cfg(test)]
mod tests {
    use token_core::id::KeyId;
    use token_core::store::{KeyState, KeyTimes};

    use super::*;

    fn key(kid: &str, state: KeyState) -> StoredKey {
        let at = |seconds: i64| Some(Timestamp::from_unix_seconds(1_800_000_000 + seconds));
        StoredKey {
            kid: KeyId::from_trusted(kid.to_owned()),
            purpose: KeyPurpose::Access,
            alg: "ES256".to_owned(),
            state,
            public_jwk: Some(r#"{"kty":"EC"}"#.to_owned()),
            sealed: b"sealed".to_vec(),
            master_kid: "m1".to_owned(),
            created_at: Timestamp::from_unix_seconds(1_800_000_000),
            times: KeyTimes {
                published_at: at(1),
                activated_at: at(400).filter(|_| state != KeyState::Pending),
                ..KeyTimes::default()
            },
        }
    }

    #[test]
    fn keys_are_listed_with_their_lives() {
        let keys = [key("k1", KeyState::Active), key("k2", KeyState::Pending)];
        insta::assert_snapshot!(table(&keys), @"
        KID  PURPOSE  ALG    STATE    CREATED               PUBLISHED             ACTIVATED             RETIRING  RETIRED
        k1   access   ES256  active   2027-01-15T08:00:00Z  2027-01-15T08:00:01Z  2027-01-15T08:06:40Z
        k2   access   ES256  pending  2027-01-15T08:00:00Z  2027-01-15T08:00:01Z
        ");
    }

    /// S35: these members and no others, no secret part among them.
    #[test]
    fn a_key_is_printed_without_its_secret_part() {
        let (old, new) = (key("k1", KeyState::Active), key("k2", KeyState::Active));
        insta::assert_json_snapshot!(RetiredJson::of(&old, Some(&new)), @r#"
        {
          "retired": "k1",
          "successor": {
            "kid": "k2",
            "purpose": "access",
            "alg": "ES256",
            "state": "active",
            "created_at": "2027-01-15T08:00:00Z",
            "published_at": "2027-01-15T08:00:01Z",
            "activated_at": "2027-01-15T08:06:40Z",
            "retiring_at": null,
            "retired_at": null,
            "master_kid": "m1",
            "public_jwk": {
              "kty": "EC"
            }
          }
        }
        "#);
    }

    #[test]
    fn what_was_done_is_told() {
        let (old, new) = (key("k1", KeyState::Active), key("k2", KeyState::Active));
        assert_eq!(
            retired(&old, Some(&new)),
            "retired the access key k1\nactive now: k2\n"
        );
        assert!(made(&new).starts_with("made the access key k2 (ES256)\n"));
        let mut rewrapped = Rewrapped {
            keys: 4,
            master_kid: "m2".to_owned(),
            new_master_key_file: "new.key".into(),
            in_place: true,
            kept: Some("data/master.key.m1".into()),
        };
        insta::assert_snapshot!(rewrapped.table(), @"
        sealed 4 keys under the master key m2
        the old one is kept as data/master.key.m1, for backups made before
        restart the server: until then it uses the keys it has read
        ");
        (rewrapped.in_place, rewrapped.kept) = (false, None);
        insta::assert_snapshot!(rewrapped.table(), @"
        sealed 4 keys under the master key m2
        start the server with RENEWD_MASTER_KEY_FILE=new.key from now on
        ");
    }
}
