//! The key ring: every key of this installation, opened, as one immutable snapshot.

use std::sync::Arc;

use jsonwebtoken::jwk::JwkSet;

use super::access::AccessKey;
use super::algorithm::AccessAlgorithm;
use super::jwks::VerificationKeys;
use super::pepper::Peppers;
use super::refresh::{RefreshKey, RefreshKeys};
use super::sources::{KeySources, damaged, usable};
use crate::id::KeyId;
use crate::store::{KeyPurpose, KeyState, StoredKey};

/// Every key, opened.
#[derive(Debug)]
pub struct KeyRing {
    access: AccessKey,
    verifying: VerificationKeys,
    published: JwkSet,
    refresh: Arc<RefreshKeys>,
    peppers: Arc<Peppers>,
    stored: Vec<StoredKey>,
}

/// The stored keys do not make a ring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// The master key is not the one this database was made with.
    #[error(
        "the master key does not fit this database: its keys were sealed with another one. \
         Give the master key that was used before (the variable RENEWD_MASTER_KEY_FILE or the \
         file master.key beside the database); if `renewctl key rewrap` was interrupted, run it again"
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

impl KeyRing {
    /// Opens the stored keys.
    pub fn open(sources: &KeySources, stored: &[StoredKey]) -> Result<Self, KeyRingError> {
        sources.check_master(stored)?;
        let refresh = Arc::new(refresh_keys(sources, stored)?);
        let peppers = Arc::new(sources.peppers(stored)?);
        let (access, others) = access_keys(sources, stored)?;
        let all = || std::iter::once(&access).chain(&others);
        Ok(Self {
            verifying: VerificationKeys::new(all().map(|key| key.verifying().clone()).collect()),
            published: JwkSet {
                keys: all().filter_map(|key| key.public().cloned()).collect(),
            },
            refresh,
            peppers,
            access,
            stored: stored.to_vec(),
        })
    }

    /// The same ring without the access keys that are not among these, which are stored now and
    /// cannot be opened here; `None` where there is none of that kind. A key that was retired is
    /// refused at once, also by a process that has yet to learn another master key.
    pub fn without_retired(&self, stored: &[StoredKey]) -> Option<Self> {
        let names: Vec<&KeyId> = usable(stored, KeyPurpose::Access)
            .into_iter()
            .map(|key| &key.kid)
            .collect();
        let is_gone = |key: &&StoredKey| !names.contains(&&key.kid);
        usable(&self.stored, KeyPurpose::Access)
            .iter()
            .find(|key| is_gone(key))?;
        let is_kept = |jwk: &&jsonwebtoken::jwk::Jwk| {
            let kid = jwk.common.key_id.as_deref();
            kid.is_some_and(|kid| names.iter().any(|name| name.as_str() == kid))
        };
        // Whatever a configured secret signs is none of the stored keys' business.
        self.access.public()?;
        Some(Self {
            access: self.access.clone(),
            verifying: self.verifying.only(&names),
            published: JwkSet {
                keys: self
                    .published
                    .keys
                    .iter()
                    .filter(is_kept)
                    .cloned()
                    .collect(),
            },
            refresh: Arc::clone(&self.refresh),
            peppers: Arc::clone(&self.peppers),
            stored: self.stored.clone(),
        })
    }

    /// Whether the key that signs is one whose tokens are accepted.
    pub fn can_sign(&self) -> bool {
        let kid = self.access.kid().as_str();
        self.access.public().is_none()
            || self
                .published
                .keys
                .iter()
                .any(|jwk| jwk.common.key_id.as_deref() == Some(kid))
    }

    /// Whether these are the keys that the ring was made of: opening them again would change
    /// nothing.
    pub fn is_of(&self, stored: &[StoredKey]) -> bool {
        self.stored == stored
    }

    /// The names of the managed keys that access tokens are verified with.
    pub fn access_kids(&self) -> impl Iterator<Item = &KeyId> {
        let keys = self.stored.iter();
        keys.filter(|key| key.purpose == KeyPurpose::Access)
            .map(|key| &key.kid)
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

    /// The peppers of password hashes.
    pub const fn peppers(&self) -> &Arc<Peppers> {
        &self.peppers
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
        // Whatever its algorithm: a configured one that is new has its key published first.
        if active.is_none() && key.state == KeyState::Active {
            active = Some(opened);
        } else {
            others.push(opened);
        }
    }
    Ok((active.ok_or(KeyRingError::Missing("access"))?, others))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{MasterKey, RsaBits, SigningSecret};
    use crate::random::Entropy;
    use crate::random::testing::CountingEntropy;
    use crate::time::Timestamp;

    fn sources() -> KeySources {
        KeySources {
            master: MasterKey::generate(&CountingEntropy::default()),
            access_secret: None,
            access_algorithm: AccessAlgorithm::Es256,
            refresh_secret: None,
        }
    }

    fn candidates(sources: &KeySources) -> Vec<StoredKey> {
        let now = Timestamp::from_unix_seconds(1);
        sources.missing(&[], now, &CountingEntropy::default())
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
        let purposes: Vec<_> = candidates(&configured).iter().map(|k| k.purpose).collect();
        assert_eq!(purposes, [KeyPurpose::MasterCheck, KeyPurpose::Pepper]);
        assert!(
            configured
                .missing(
                    &stored,
                    Timestamp::from_unix_seconds(2),
                    &CountingEntropy::default()
                )
                .is_empty()
        );
    }

    /// What a key is succeeded by, where nothing else is configured, is of its kind and size.
    #[test]
    fn stored_keys_tell_their_algorithm() {
        for algorithm in [
            AccessAlgorithm::Es256,
            AccessAlgorithm::EdDsa,
            AccessAlgorithm::Rs256(RsaBits::B2048),
        ] {
            let sources = KeySources {
                access_algorithm: algorithm,
                ..sources()
            };
            let stored = candidates(&sources);
            let access = stored.iter().find(|key| key.purpose == KeyPurpose::Access);
            assert_eq!(access.and_then(AccessAlgorithm::of), Some(algorithm));
            assert!(KeyRing::open(&sources, &stored).is_ok());
        }
    }

    /// S35: under another master key the same keys make the same ring, and the old one opens
    /// nothing.
    #[test]
    fn another_master_key_can_take_over() {
        let sources = sources();
        let stored = candidates(&sources);
        let before = KeyRing::open(&sources, &stored).unwrap();
        let entropy = CountingEntropy::default();
        entropy.fill(&mut [0; 100]);
        let new = MasterKey::generate(&entropy);
        let now = Timestamp::from_unix_seconds(2);
        let rewrap = sources.rewrap(&new, stored.clone(), now, &entropy).unwrap();
        assert_eq!(rewrap.before, stored);
        let successor = KeySources {
            master: new,
            ..sources.clone()
        };
        let after = KeyRing::open(&successor, &rewrap.after).unwrap();
        assert_eq!(after.access().kid(), before.access().kid());
        assert_eq!(
            after.refresh().active().kid(),
            before.refresh().active().kid()
        );
        assert_eq!(
            after.peppers().active().kid(),
            before.peppers().active().kid()
        );
        assert_eq!(
            KeyRing::open(&sources, &rewrap.after).err(),
            Some(KeyRingError::WrongMasterKey)
        );
        assert!(KeyRing::open(&successor, &stored).is_err());
    }
}
