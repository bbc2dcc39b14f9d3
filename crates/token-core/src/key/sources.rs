//! Where keys come from: made here and sealed for storage, opened again, or configured.

use zeroize::Zeroizing;

use super::access::{AccessKey, SigningSecret};
use super::algorithm::AccessAlgorithm;
use super::life::{KeyRefusal, KeyStep, KeyTask, PEPPER};
use super::master::MasterKey;
use super::pepper::{Pepper, Peppers};
use super::refresh::RefreshKey;
use super::ring::KeyRingError;
use crate::id::{AuditId, KeyId};
use crate::random::{self, Entropy};
use crate::store::{
    AuditEvent, AuditKind, KeyChange, KeyPurpose, KeyState, KeyTimes, Rewrap, StoredKey,
};
use crate::time::Timestamp;

/// Where keys come from: the master key opens the stored ones, configured secrets replace them.
#[derive(Debug, Clone)]
pub struct KeySources {
    /// Opens what is stored.
    pub master: MasterKey,
    /// Signs access tokens in place of a managed key.
    pub access_secret: Option<SigningSecret>,
    /// The algorithm of managed access keys.
    pub access_algorithm: AccessAlgorithm,
    /// Key material of refresh tokens in place of a managed one.
    pub refresh_secret: Option<SigningSecret>,
}

/// What a task comes to for the keys as they were read; nothing is made yet.
#[derive(Debug, Clone)]
pub struct KeyPlan {
    task: KeyTask,
    steps: Vec<KeyStep>,
    now: Timestamp,
}

/// What the sealed bytes of the master check say.
const MASTER_CHECK: &[u8] = b"renewd";
/// The `alg` of key material from which several keys are derived.
pub(super) const KEY_MATERIAL: &str = "HKDF";
/// The `alg` of the first pepper, which was derived from the master key: hashes made with it do
/// not name it.
const FIRST_PEPPER: &str = "HKDF";

impl KeyPlan {
    /// Decides a task for keys that were read before `now`.
    pub fn new(task: KeyTask, stored: &[StoredKey], now: Timestamp) -> Result<Self, KeyRefusal> {
        let steps = task.decide(stored, now)?;
        Ok(Self { task, steps, now })
    }

    /// The refresh keys that are refused once it is carried out.
    pub fn retired_refresh_keys(&self) -> Vec<KeyId> {
        let retired = self.steps.iter().filter_map(KeyStep::retired_refresh_key);
        retired.cloned().collect()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }
}

impl StoredKey {
    /// Whether it is the pepper of the hashes that name none.
    pub fn is_first_pepper(&self) -> bool {
        self.purpose == KeyPurpose::Pepper && self.alg == FIRST_PEPPER
    }
}

impl KeySources {
    /// The active keys that are not stored yet.
    pub fn missing(
        &self,
        stored: &[StoredKey],
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Vec<StoredKey> {
        let is_missing = |purpose| {
            let fits = |key: &StoredKey| key.purpose == purpose && key.state == KeyState::Active;
            !stored.iter().any(fits)
        };
        let mut keys = Vec::new();
        if is_missing(KeyPurpose::MasterCheck) {
            keys.push(self.master_check(now));
        }
        if is_missing(KeyPurpose::Pepper) {
            keys.push(self.first_pepper(now));
        }
        let create = |purpose, alg| self.create(purpose, alg, KeyState::Active, now, entropy);
        if self.refresh_secret.is_none() && is_missing(KeyPurpose::Refresh) {
            keys.extend(create(KeyPurpose::Refresh, KEY_MATERIAL));
        }
        if self.access_secret.is_none() && is_missing(KeyPurpose::Access) {
            keys.extend(create(KeyPurpose::Access, self.access_algorithm.as_str()));
        }
        keys
    }

    /// Makes what a plan needs. With RSA that takes up to seconds of a core.
    pub fn carry_out(&self, plan: KeyPlan, entropy: &dyn Entropy) -> KeyChange {
        let KeyPlan { task, steps, now } = plan;
        let mut fresh = Vec::new();
        let mut events = Vec::new();
        let mut tell = |kind, purpose: KeyPurpose, kid: &KeyId| {
            let (purpose, origin) = (purpose.as_str(), task.origin());
            let detail = format!("purpose={purpose} kid={kid} by={origin}");
            events.push(event(kind, detail, now, entropy));
        };
        for step in &steps {
            match step {
                // An `alg` that cannot be made here leaves the change without its key, and storage
                // does nothing.
                KeyStep::Create {
                    purpose,
                    alg,
                    state,
                } => fresh.extend(
                    self.create(*purpose, alg, *state, now, entropy)
                        .inspect(|made| tell(AuditKind::KeyCreated, made.purpose, &made.kid)),
                ),
                KeyStep::Publish(_) => {}
                KeyStep::Move { key, to, .. } => tell(audited(*to), key.purpose, &key.kid),
            }
        }
        KeyChange {
            task,
            steps,
            fresh,
            events,
            now,
            master_kid: self.master.kid(),
        }
    }

    /// The same keys sealed under another master key.
    pub fn rewrap(
        &self,
        new: &MasterKey,
        stored: Vec<StoredKey>,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Rewrap, KeyRingError> {
        let mut after = Vec::with_capacity(stored.len());
        for key in &stored {
            let plain = self.open(key)?;
            let kid = match key.purpose {
                KeyPurpose::MasterCheck => KeyId::from_trusted(new.kid()),
                KeyPurpose::Access | KeyPurpose::Refresh | KeyPurpose::Pepper => key.kid.clone(),
            };
            after.push(StoredKey {
                sealed: new.seal(&place(key.purpose, &kid), &plain),
                master_kid: new.kid(),
                kid,
                ..key.clone()
            });
        }
        let detail = format!(
            "from={} to={} keys={}",
            self.master.kid(),
            new.kid(),
            after.len()
        );
        Ok(Rewrap {
            event: event(AuditKind::KeysRewrapped, detail, now, entropy),
            before: stored,
            after,
        })
    }

    /// Whether the master key is the one that the stored keys were sealed with, as far as the
    /// stored proof tells; without a proof there is nothing to fit.
    pub fn check_master(&self, stored: &[StoredKey]) -> Result<(), KeyRingError> {
        let mut proofs = stored
            .iter()
            .filter(|key| key.purpose == KeyPurpose::MasterCheck);
        if proofs.all(|proof| self.open(proof).is_ok_and(|plain| *plain == MASTER_CHECK)) {
            Ok(())
        } else {
            Err(KeyRingError::WrongMasterKey)
        }
    }

    /// Opens the stored peppers.
    pub fn peppers(&self, stored: &[StoredKey]) -> Result<Peppers, KeyRingError> {
        let mut active = None;
        let mut others = Vec::new();
        for key in usable(stored, KeyPurpose::Pepper) {
            let pepper = Pepper::from_material(&self.open(key)?, key.is_first_pepper());
            if key.state == KeyState::Active {
                active = Some(pepper);
            } else {
                others.push(pepper);
            }
        }
        let active = active.ok_or(KeyRingError::Missing("pepper"))?;
        Ok(Peppers::new(active, others))
    }

    /// Decrypts the secret part of a key.
    pub(super) fn open(&self, key: &StoredKey) -> Result<Zeroizing<Vec<u8>>, KeyRingError> {
        if key.master_kid != self.master.kid() {
            return Err(KeyRingError::WrongMasterKey);
        }
        self.master
            .unseal(&place(key.purpose, &key.kid), &key.sealed)
            .map_err(|_| damaged(key))
    }

    fn master_check(&self, now: Timestamp) -> StoredKey {
        let made = Made {
            kid: KeyId::from_trusted(self.master.kid()),
            public_jwk: None,
            secret: MASTER_CHECK.to_vec().into(),
        };
        self.seal(
            KeyPurpose::MasterCheck,
            KEY_MATERIAL,
            KeyState::Active,
            made,
            now,
        )
    }

    fn first_pepper(&self, now: Timestamp) -> StoredKey {
        let material = self.master.pepper_material();
        let made = Made {
            kid: self.master.pepper().kid().clone(),
            public_jwk: None,
            secret: material.expose().to_vec().into(),
        };
        self.seal(
            KeyPurpose::Pepper,
            FIRST_PEPPER,
            KeyState::Active,
            made,
            now,
        )
    }

    /// Makes a key; `None` where the `alg` is not one of that purpose.
    fn create(
        &self,
        purpose: KeyPurpose,
        alg: &str,
        state: KeyState,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Option<StoredKey> {
        let made = match purpose {
            KeyPurpose::Access => self.new_access_key(alg)?,
            KeyPurpose::Refresh if alg == KEY_MATERIAL => {
                let material: [u8; 32] = random::bytes(entropy);
                Made {
                    kid: RefreshKey::from_material(&material).kid().clone(),
                    public_jwk: None,
                    secret: material.to_vec().into(),
                }
            }
            KeyPurpose::Pepper if alg == PEPPER => {
                let material: [u8; 48] = random::bytes(entropy);
                Made {
                    kid: Pepper::from_material(&material, false).kid().clone(),
                    public_jwk: None,
                    secret: material.to_vec().into(),
                }
            }
            KeyPurpose::Refresh | KeyPurpose::Pepper | KeyPurpose::MasterCheck => return None,
        };
        Some(self.seal(purpose, alg, state, made, now))
    }

    /// The configured size counts for keys of the configured algorithm.
    fn new_access_key(&self, alg: &str) -> Option<Made> {
        let algorithm = if self.access_algorithm.as_str() == alg {
            self.access_algorithm
        } else {
            AccessAlgorithm::from_name(alg)?
        };
        let pkcs8 = algorithm.generate();
        let key = AccessKey::from_pkcs8(algorithm, &pkcs8).ok()?;
        Some(Made {
            kid: key.kid().clone(),
            public_jwk: key.public().and_then(|jwk| serde_json::to_string(jwk).ok()),
            secret: pkcs8.into(),
        })
    }

    fn seal(
        &self,
        purpose: KeyPurpose,
        alg: &str,
        state: KeyState,
        made: Made,
        now: Timestamp,
    ) -> StoredKey {
        // An active key signs from its commit on, whoever has seen it. When a pending one can be
        // seen everywhere, only who reads it afterwards can tell.
        let since = (state == KeyState::Active).then_some(now);
        StoredKey {
            sealed: self.master.seal(&place(purpose, &made.kid), &made.secret),
            alg: alg.to_owned(),
            state,
            master_kid: self.master.kid(),
            created_at: now,
            times: KeyTimes {
                published_at: since,
                activated_at: since,
                ..KeyTimes::default()
            },
            kid: made.kid,
            purpose,
            public_jwk: made.public_jwk,
        }
    }
}

/// A key that is not sealed yet.
struct Made {
    kid: KeyId,
    public_jwk: Option<String>,
    secret: Zeroizing<Vec<u8>>,
}

/// Keys of a purpose, oldest first.
pub(super) fn usable(stored: &[StoredKey], purpose: KeyPurpose) -> Vec<&StoredKey> {
    let mut keys: Vec<_> = stored
        .iter()
        .filter(|key| key.purpose == purpose && key.state != KeyState::Retired)
        .collect();
    keys.sort_by(|a, b| (a.created_at, &a.kid).cmp(&(b.created_at, &b.kid)));
    keys
}

pub(super) fn damaged(key: &StoredKey) -> KeyRingError {
    KeyRingError::Damaged {
        purpose: key.purpose.as_str(),
        kid: key.kid.clone(),
    }
}

const fn audited(to: KeyState) -> AuditKind {
    match to {
        KeyState::Pending | KeyState::Active => AuditKind::KeyActivated,
        KeyState::Retiring => AuditKind::KeyRetiring,
        KeyState::Retired => AuditKind::KeyRetired,
    }
}

/// What a ciphertext is bound to.
fn place(purpose: KeyPurpose, kid: &KeyId) -> String {
    format!("{}/{kid}", purpose.as_str())
}

fn event(kind: AuditKind, detail: String, now: Timestamp, entropy: &dyn Entropy) -> AuditEvent {
    AuditEvent {
        id: AuditId::generate(now, entropy),
        at: now,
        kind,
        user_id: None,
        session_id: None,
        detail,
    }
}
