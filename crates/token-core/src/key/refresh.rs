//! The keys of refresh tokens.

use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::hmac;
use jsonwebtoken::{DecodingKey, EncodingKey};

use super::master::derive;
use crate::encoding;
use crate::id::KeyId;

/// One generation of key material. What signs tokens and what derives successors are separate
/// HKDF outputs: knowing one says nothing of the other.
#[derive(Clone)]
pub struct RefreshKey {
    kid: KeyId,
    signing: EncodingKey,
    verifying: DecodingKey,
    chain: hmac::Key,
}

impl RefreshKey {
    /// Derives the keys from material of at least 32 bytes. The `kid` is derived too, so the same
    /// material has the same name on every node.
    pub fn from_material(material: &[u8]) -> Self {
        let kid = derive::<12>(material, b"renewd refresh kid v1");
        let signing = derive::<32>(material, b"renewd refresh signing v1");
        let chain = derive::<32>(material, b"renewd refresh chain v1");
        Self {
            kid: KeyId::from_trusted(encoding::base64url(kid.expose())),
            signing: EncodingKey::from_secret(signing.expose()),
            verifying: DecodingKey::from_secret(signing.expose()),
            chain: hmac::Key::new(hmac::HMAC_SHA256, chain.expose()),
        }
    }

    /// The key's name.
    pub const fn kid(&self) -> &KeyId {
        &self.kid
    }

    pub(crate) const fn signing(&self) -> &EncodingKey {
        &self.signing
    }

    pub(crate) const fn verifying(&self) -> &DecodingKey {
        &self.verifying
    }

    pub(crate) const fn chain(&self) -> &hmac::Key {
        &self.chain
    }
}

impl fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshKey({})", self.kid)
    }
}

/// Every refresh key that is known here, and the one that new tokens are made with.
#[derive(Debug, Clone)]
pub struct RefreshKeys {
    active: KeyId,
    known: HashMap<KeyId, RefreshKey>,
}

impl RefreshKeys {
    /// A set with its active key and others that still verify.
    pub fn new(active: RefreshKey, others: impl IntoIterator<Item = RefreshKey>) -> Self {
        let name = active.kid.clone();
        let mut known: HashMap<_, _> = others
            .into_iter()
            .map(|key| (key.kid.clone(), key))
            .collect();
        known.insert(name.clone(), active);
        Self {
            active: name,
            known,
        }
    }

    /// The key that new tokens are made with.
    #[expect(
        clippy::expect_used,
        reason = "the constructor put it there and nothing removes it"
    )]
    pub fn active(&self) -> &RefreshKey {
        self.known
            .get(&self.active)
            .expect("the active key is known")
    }

    /// The key of that name.
    pub fn get(&self, kid: &str) -> Option<&RefreshKey> {
        self.known.get(kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_active_key_is_among_the_known_ones() {
        let [a, b] = [[1; 32], [2; 32]].map(|m| RefreshKey::from_material(&m));
        let keys = RefreshKeys::new(a.clone(), [b.clone()]);
        assert_eq!(keys.active().kid(), a.kid());
        assert!(keys.get(a.kid().as_str()).is_some() && keys.get(b.kid().as_str()).is_some());
        assert!(keys.get("").is_none());
    }
}
