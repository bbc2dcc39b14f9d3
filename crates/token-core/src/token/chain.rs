//! The chain of refresh tokens: each one's successor is a function of it and of a server key, so
//! it can be computed again, on any node, when an answer was lost.

use crate::id::{KeyId, SessionId};
use crate::key::RefreshKey;
use crate::secret::{RefreshDigest, RefreshSecret};

/// What the MAC is for; a change of the format gets another number.
const LABEL: &[u8] = b"renewd refresh successor v1";

/// The next link of a session's chain.
#[derive(Debug, Clone)]
pub struct Successor {
    /// Its place in the chain.
    pub generation: u64,
    /// Its `jti`.
    pub secret: RefreshSecret,
    /// What storage keeps of it.
    pub digest: RefreshDigest,
    /// The key that derived it, and that signs it.
    pub kid: KeyId,
}

/// Computes the successor of the token of `generation` whose `jti` is `secret`:
/// HMAC-SHA-256 under the chain key over label, session id (16 bytes), the successor's generation
/// (u64, big-endian) and `secret` (32 bytes). All parts but the label have fixed lengths, so two
/// different inputs never meet.
pub fn successor(
    key: &RefreshKey,
    session: SessionId,
    generation: u64,
    secret: &RefreshSecret,
) -> Successor {
    let next = generation.saturating_add(1);
    let mut mac = aws_lc_rs::hmac::Context::with_key(key.chain());
    mac.update(LABEL);
    mac.update(session.as_uuid().as_bytes());
    mac.update(&next.to_be_bytes());
    mac.update(secret.expose());
    let mut jti = [0_u8; 32];
    for (to, from) in jti.iter_mut().zip(mac.sign().as_ref()) {
        *to = *from;
    }
    let secret = RefreshSecret::from_bytes(jti);
    Successor {
        generation: next,
        digest: secret.digest(),
        secret,
        kid: key.kid().clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn key(byte: u8) -> RefreshKey {
        RefreshKey::from_material(&[byte; 32])
    }

    fn sid(n: u128) -> SessionId {
        SessionId::from_uuid(Uuid::from_u128(n))
    }

    #[test]
    fn every_input_matters_and_nothing_else() {
        let secret = RefreshSecret::from_bytes([7; 32]);
        let base = successor(&key(1), sid(1), 0, &secret);
        assert_eq!(base.secret, successor(&key(1), sid(1), 0, &secret).secret);
        assert_eq!((base.generation, base.digest), (1, base.secret.digest()));
        for other in [
            successor(&key(2), sid(1), 0, &secret),
            successor(&key(1), sid(2), 0, &secret),
            successor(&key(1), sid(1), 1, &secret),
            successor(&key(1), sid(1), 0, &RefreshSecret::from_bytes([8; 32])),
        ] {
            assert_ne!(base.secret, other.secret);
        }
    }

    /// The format is fixed: a change here would log every user out at an upgrade.
    #[test]
    fn known_answer() {
        let secret = RefreshSecret::from_bytes([0x11; 32]);
        let next = successor(&key(0x22), sid(0x33), 41, &secret);
        insta::assert_snapshot!(next.secret.to_claim(), @"Tgc23XE_usOqNdvVOZkx2OORiZdojqe_HbwtD9UICTg");
    }
}
