//! The key ring: every key of this installation, opened, as one immutable snapshot.

use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;

use super::access::{AccessKey, SigningSecret};
use super::algorithm::AccessAlgorithm;
use super::jwks::VerificationKeys;
use super::master::MasterKey;
use super::refresh::{RefreshKey, RefreshKeys};
use crate::id::KeyId;
use crate::random::{self, Entropy};
use crate::store::{KeyPurpose, KeyState, StoredKey};
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

/// Every key, opened.
#[derive(Debug)]
pub struct KeyRing {
    access: AccessKey,
    verifying: VerificationKeys,
    published: JwkSet,
    refresh: Arc<RefreshKeys>,
}

/// The stored keys do not make a ring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// The master key is not the one this database was made with.
    #[error(
        "the master key does not fit this database: its keys were sealed with another one. \
         Give the master key that was used before (the variable RENEWD_MASTER_KEY_FILE or the \
         file master.key beside the database)"
    )]
    WrongMasterKey,
    /// A key cannot be opened or used.
    #[error("the stored {purpose} key {kid} is damaged")]
    Damaged {
        /// What the key is for.
        purpose: &'static str,
        /// Its name.
        kid: KeyId,
    },
    /// No active key of that purpose.
    #[error("there is no active {0} key")]
    Missing(&'static str),
}

/// What the sealed bytes of the master check say.
const MASTER_CHECK: &[u8] = b"renewd";
/// The `alg` of key material that is not a signature key.
const KEY_MATERIAL: &str = "HKDF";

impl KeySources {
    /// Keys to store where none of their kind is stored yet.
    pub fn candidates(&self, now: Timestamp, entropy: &dyn Entropy) -> Vec<StoredKey> {
        let mut keys = vec![self.master_check(now)];
        if self.refresh_secret.is_none() {
            keys.push(self.new_refresh_key(now, entropy));
        }
        if self.access_secret.is_none() {
            keys.extend(self.new_access_key(now));
        }
        keys
    }

    /// Whether the master key is the one that the stored keys were sealed with, as far as the
    /// stored proof tells; without a proof there is nothing to fit.
    pub fn check_master(&self, stored: &[StoredKey]) -> Result<(), KeyRingError> {
        let mut proofs = stored
            .iter()
            .filter(|key| key.purpose == KeyPurpose::MasterCheck);
        if proofs.all(|proof| self.open(proof).as_deref() == Ok(MASTER_CHECK)) {
            Ok(())
        } else {
            Err(KeyRingError::WrongMasterKey)
        }
    }

    fn master_check(&self, now: Timestamp) -> StoredKey {
        let kid = KeyId::from_trusted(self.master.kid());
        self.stored(
            kid,
            KeyPurpose::MasterCheck,
            KEY_MATERIAL,
            None,
            MASTER_CHECK,
            now,
        )
    }

    fn new_refresh_key(&self, now: Timestamp, entropy: &dyn Entropy) -> StoredKey {
        let material: [u8; 32] = random::bytes(entropy);
        let kid = RefreshKey::from_material(&material).kid().clone();
        self.stored(kid, KeyPurpose::Refresh, KEY_MATERIAL, None, &material, now)
    }

    fn new_access_key(&self, now: Timestamp) -> Option<StoredKey> {
        let pkcs8 = self.access_algorithm.generate();
        let key = AccessKey::from_pkcs8(self.access_algorithm, &pkcs8).ok()?;
        let jwk = key.public().and_then(|jwk| serde_json::to_string(jwk).ok());
        let alg = self.access_algorithm.as_str();
        Some(self.stored(key.kid().clone(), KeyPurpose::Access, alg, jwk, &pkcs8, now))
    }

    fn stored(
        &self,
        kid: KeyId,
        purpose: KeyPurpose,
        alg: &str,
        public_jwk: Option<String>,
        secret: &[u8],
        now: Timestamp,
    ) -> StoredKey {
        StoredKey {
            sealed: self.master.seal(&place(purpose, &kid), secret),
            alg: alg.to_owned(),
            state: KeyState::Active,
            master_kid: self.master.kid(),
            created_at: now,
            kid,
            purpose,
            public_jwk,
        }
    }

    fn open(&self, key: &StoredKey) -> Result<Vec<u8>, KeyRingError> {
        if key.master_kid != self.master.kid() {
            return Err(KeyRingError::WrongMasterKey);
        }
        self.master
            .unseal(&place(key.purpose, &key.kid), &key.sealed)
            .map_err(|_| damaged(key))
    }
}

impl KeyRing {
    /// Opens the stored keys.
    pub fn open(sources: &KeySources, stored: &[StoredKey]) -> Result<Self, KeyRingError> {
        sources.check_master(stored)?;
        let refresh = Arc::new(refresh_keys(sources, stored)?);
        let (access, others) = access_keys(sources, stored)?;
        let all = || std::iter::once(&access).chain(&others);
        Ok(Self {
            verifying: VerificationKeys::new(all().map(|key| key.verifying().clone()).collect()),
            published: JwkSet {
                keys: all().filter_map(|key| key.public().cloned()).collect(),
            },
            refresh,
            access,
        })
    }

    /// The key that signs access tokens.
    pub const fn access(&self) -> &AccessKey {
        &self.access
    }

    /// The keys that verify access tokens.
    pub const fn verifying(&self) -> &VerificationKeys {
        &self.verifying
    }

    /// The keys to publish (RFC 7517 §5); none where a secret signs.
    pub const fn published(&self) -> &JwkSet {
        &self.published
    }

    /// The keys of refresh tokens.
    pub const fn refresh(&self) -> &Arc<RefreshKeys> {
        &self.refresh
    }
}

fn refresh_keys(sources: &KeySources, stored: &[StoredKey]) -> Result<RefreshKeys, KeyRingError> {
    let mut active = sources
        .refresh_secret
        .as_ref()
        .map(|secret| RefreshKey::from_material(secret.expose()));
    let mut others = Vec::new();
    for key in usable(stored, KeyPurpose::Refresh) {
        let opened = RefreshKey::from_material(&sources.open(key)?);
        if active.is_none() && key.state == KeyState::Active {
            active = Some(opened);
        } else {
            others.push(opened);
        }
    }
    let active = active.ok_or(KeyRingError::Missing("refresh"))?;
    Ok(RefreshKeys::new(active, others))
}

/// The signing key and the others that verify. A configured secret stands alone: whoever sets it
/// expects that nothing else is accepted.
fn access_keys(
    sources: &KeySources,
    stored: &[StoredKey],
) -> Result<(AccessKey, Vec<AccessKey>), KeyRingError> {
    if let Some(secret) = &sources.access_secret {
        return Ok((AccessKey::from_secret(secret), Vec::new()));
    }
    let mut active = None;
    let mut others = Vec::new();
    for key in usable(stored, KeyPurpose::Access) {
        let algorithm = AccessAlgorithm::from_name(&key.alg).ok_or_else(|| damaged(key))?;
        let opened = AccessKey::from_pkcs8(algorithm, &sources.open(key)?)
            .ok()
            .filter(|opened| *opened.kid() == key.kid)
            .ok_or_else(|| damaged(key))?;
        let signs = key.state == KeyState::Active && algorithm == sources.access_algorithm;
        if active.is_none() && signs {
            active = Some(opened);
        } else {
            others.push(opened);
        }
    }
    Ok((active.ok_or(KeyRingError::Missing("access"))?, others))
}

/// Keys of a purpose, oldest first, so that every node picks the same active one.
fn usable(stored: &[StoredKey], purpose: KeyPurpose) -> Vec<&StoredKey> {
    let mut keys: Vec<_> = stored
        .iter()
        .filter(|key| key.purpose == purpose && key.state != KeyState::Retired)
        .collect();
    keys.sort_by(|a, b| (a.created_at, &a.kid).cmp(&(b.created_at, &b.kid)));
    keys
}

/// What a ciphertext is bound to.
fn place(purpose: KeyPurpose, kid: &KeyId) -> String {
    format!("{}/{kid}", purpose.as_str())
}

fn damaged(key: &StoredKey) -> KeyRingError {
    KeyRingError::Damaged {
        purpose: key.purpose.as_str(),
        kid: key.kid.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::CountingEntropy;

    fn sources() -> KeySources {
        KeySources {
            master: MasterKey::generate(&CountingEntropy::default()),
            access_secret: None,
            access_algorithm: AccessAlgorithm::Es256,
            refresh_secret: None,
        }
    }

    fn candidates(sources: &KeySources) -> Vec<StoredKey> {
        sources.candidates(Timestamp::from_unix_seconds(1), &CountingEntropy::default())
    }

    #[test]
    fn candidates_make_a_ring() {
        let sources = sources();
        let stored = candidates(&sources);
        let ring = KeyRing::open(&sources, &stored).unwrap();
        assert_eq!(ring.published().keys.len(), 1);
        assert_eq!(
            KeyRing::open(&sources, &stored).unwrap().access().kid(),
            ring.access().kid()
        );
        assert_eq!(
            KeyRing::open(&sources, &[]).err(),
            Some(KeyRingError::Missing("refresh")),
        );
    }

    /// S35: another master key opens nothing, and says so.
    #[test]
    fn another_master_key_is_told() {
        let sources = sources();
        let stored = candidates(&sources);
        let entropy = CountingEntropy::default();
        entropy.fill(&mut [0; 100]);
        let other = KeySources {
            master: MasterKey::generate(&entropy),
            ..sources
        };
        assert_eq!(
            KeyRing::open(&other, &stored).err(),
            Some(KeyRingError::WrongMasterKey)
        );
    }

    #[test]
    fn a_damaged_key_is_named() {
        let sources = sources();
        let mut stored = candidates(&sources);
        let key = stored
            .iter_mut()
            .find(|key| key.purpose == KeyPurpose::Access)
            .unwrap();
        key.sealed[20] ^= 1;
        let kid = key.kid.clone();
        assert_eq!(
            KeyRing::open(&sources, &stored).err(),
            Some(KeyRingError::Damaged {
                purpose: "access",
                kid
            })
        );
    }

    #[test]
    fn configured_secrets_take_over_and_old_refresh_keys_still_verify() {
        let managed = sources();
        let stored = candidates(&managed);
        let before = KeyRing::open(&managed, &stored).unwrap();
        let secret = |text| Some(SigningSecret::parse(text).unwrap());
        let configured = KeySources {
            access_secret: secret("Yx3-kQ9vTz1LrP0wNe7uHs5dCj2mBg8a"),
            refresh_secret: secret("b6Fq_ZtW4nUe0KcXo8RjA2yMhV7pLd1s"),
            ..managed
        };
        let after = KeyRing::open(&configured, &stored).unwrap();
        assert!(after.published().keys.is_empty());
        assert_ne!(
            after.refresh().active().kid(),
            before.refresh().active().kid()
        );
        assert!(
            after
                .refresh()
                .get(before.refresh().active().kid().as_str())
                .is_some()
        );
        assert_eq!(
            configured
                .candidates(Timestamp::from_unix_seconds(1), &CountingEntropy::default())
                .len(),
            1
        );
    }
}
