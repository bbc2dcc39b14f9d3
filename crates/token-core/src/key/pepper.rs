//! Peppers: what passwords are keyed with before they are hashed.

use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::hmac;

use super::master::derive;
use crate::encoding;
use crate::id::KeyId;

/// One generation of the pepper. Never in the database in the clear: whoever steals only that
/// cannot even start to guess.
#[derive(Clone)]
pub struct Pepper {
    kid: KeyId,
    key: hmac::Key,
    is_first: bool,
}

/// Every pepper that is known here, and the one that new hashes are made with.
#[derive(Debug, Clone)]
pub struct Peppers {
    active: Pepper,
    others: HashMap<KeyId, Pepper>,
}

impl Pepper {
    /// From at least 32 bytes of key material. The first pepper of an installation is that of the
    /// hashes that name none.
    pub fn from_material(material: &[u8], is_first: bool) -> Self {
        let kid = derive::<12>(material, b"renewd pepper kid v1");
        Self {
            kid: KeyId::from_trusted(encoding::base64url(kid.expose())),
            key: hmac::Key::new(hmac::HMAC_SHA384, material),
            is_first,
        }
    }

    /// The pepper's name.
    pub const fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// What hashes under this pepper say of it; those under the first one say nothing.
    pub(crate) fn mark(&self) -> Option<&KeyId> {
        (!self.is_first).then_some(&self.kid)
    }

    pub(crate) const fn key(&self) -> &hmac::Key {
        &self.key
    }
}

impl Peppers {
    /// A set with its active pepper and others that hashes still need.
    pub fn new(active: Pepper, others: impl IntoIterator<Item = Pepper>) -> Self {
        let others = others.into_iter();
        Self {
            active,
            others: others.map(|pepper| (pepper.kid.clone(), pepper)).collect(),
        }
    }

    /// The pepper of new hashes.
    pub const fn active(&self) -> &Pepper {
        &self.active
    }

    /// The pepper of a hash that says this of it.
    pub(crate) fn marked(&self, mark: Option<&str>) -> Option<&Pepper> {
        let fits = |pepper: &&Pepper| pepper.mark().map(KeyId::as_str) == mark;
        std::iter::once(&self.active)
            .chain(self.others.values())
            .find(fits)
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pepper({})", self.kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_finds_its_pepper_by_what_it_says() {
        let first = Pepper::from_material(&[1; 48], true);
        let [second, third] = [[2; 48], [3; 48]].map(|m| Pepper::from_material(&m, false));
        let peppers = Peppers::new(second.clone(), [first.clone(), third.clone()]);
        let found = |mark| peppers.marked(mark).map(|pepper| pepper.kid().clone());
        assert_eq!(found(None).as_ref(), Some(first.kid()));
        for pepper in [&second, &third] {
            let kid = pepper.kid();
            assert_eq!(found(Some(kid.as_str())).as_ref(), Some(kid));
        }
        assert_eq!(
            found(Some(first.kid().as_str())),
            None,
            "it has one spelling"
        );
        assert_eq!(found(Some("")), None);
        // Without the first one a hash that says nothing belongs to nobody.
        assert!(Peppers::new(second, [third]).marked(None).is_none());
    }
}
