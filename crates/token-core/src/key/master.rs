//! The master key: 32 bytes outside the database that seal the keys inside it and seed the first
//! pepper of the password hashes.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, HKDF_SHA384, KeyType, Salt};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::pepper::Pepper;
use crate::encoding;
use crate::random::{self, Entropy};
use crate::secret::SecretBytes;

/// The master key.
#[derive(Clone)]
pub struct MasterKey(SecretBytes<32>);

/// The text is not a master key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMasterKey {
    /// Not 32 bytes in base64.
    #[error("the master key must be 32 bytes in standard base64")]
    Form,
    /// One byte over and over.
    #[error("the master key must be random: for example from `openssl rand -base64 32`")]
    Obvious,
}

/// The sealed bytes cannot be opened: another master key sealed them, or they were altered or
/// moved to another row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("sealed with another master key, or altered")]
pub struct UnsealError;

/// The length of the nonce in front of the sealed bytes.
const NONCE_LEN: usize = 12;

impl MasterKey {
    /// A new key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(SecretBytes::new(random::bytes(entropy)))
    }

    /// Reads the text form: standard base64 of 32 bytes, white space around it ignored.
    pub fn parse(text: &str) -> Result<Self, InvalidMasterKey> {
        let bytes = STANDARD
            .decode(text.trim())
            .map_err(|_| InvalidMasterKey::Form)?;
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| InvalidMasterKey::Form)?;
        let [first, ..] = bytes;
        if bytes.iter().all(|byte| *byte == first) {
            return Err(InvalidMasterKey::Obvious);
        }
        Ok(Self(SecretBytes::new(bytes)))
    }

    /// The text form.
    pub fn to_text(&self) -> String {
        STANDARD.encode(self.0.expose())
    }

    /// A name for this key that says nothing about it.
    pub fn kid(&self) -> String {
        encoding::base64url(derive::<12>(self.0.expose(), b"renewd master kid v1").expose())
    }

    /// The first pepper of an installation that was made with this key. It is stored like every
    /// other key, so that it outlives the master key.
    pub fn pepper(&self) -> Pepper {
        Pepper::from_material(self.pepper_material().expose(), true)
    }

    pub(super) fn pepper_material(&self) -> SecretBytes<48> {
        derive(self.0.expose(), b"renewd password pepper v1")
    }

    /// Encrypts `plain` (AES-256-GCM-SIV) so that it opens only in the place that `place` names.
    #[expect(clippy::expect_used, reason = "a key of the right length always seals")]
    pub fn seal(&self, place: &str, plain: &[u8]) -> Vec<u8> {
        let mut sealed = plain.to_vec();
        let nonce = self
            .sealing_key()
            .seal_in_place_append_tag(Aad::from(place), &mut sealed)
            .expect("AES-256-GCM-SIV seals");
        let mut out = nonce.as_ref().to_vec();
        out.append(&mut sealed);
        out
    }

    /// Decrypts what [`Self::seal`] made for the same place.
    pub fn unseal(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnsealError> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(UnsealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| UnsealError)?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let plain = self
            .sealing_key()
            .open_in_place(nonce, Aad::from(place), &mut buffer)
            .map_err(|_| UnsealError)?;
        let length = plain.len();
        buffer.truncate(length);
        Ok(buffer)
    }

    #[expect(
        clippy::expect_used,
        reason = "the key has the length that the cipher wants"
    )]
    fn sealing_key(&self) -> RandomizedNonceKey {
        let key = derive::<32>(self.0.expose(), b"renewd key sealing v1");
        RandomizedNonceKey::new(&AES_256_GCM_SIV, key.expose()).expect("32 bytes are an AES key")
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey([redacted])")
    }
}

/// HKDF (RFC 5869) with an empty salt: the input is a uniformly random key, or is held to a
/// minimum length where it is configured.
#[expect(
    clippy::expect_used,
    reason = "the output lengths are constants far below the limit"
)]
pub(super) fn derive<const N: usize>(secret: &[u8], label: &[u8]) -> SecretBytes<N> {
    struct Length(usize);
    impl KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let hash = if N > 32 { HKDF_SHA384 } else { HKDF_SHA256 };
    let mut out = Zeroizing::new([0_u8; N]);
    Salt::new(hash, &[])
        .extract(secret)
        .expand(&[label], Length(N))
        .and_then(|okm| okm.fill(out.as_mut_slice()))
        .expect("HKDF expands");
    SecretBytes::new(*out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::CountingEntropy;

    #[test]
    fn the_text_form_is_32_bytes() {
        let key = MasterKey::generate(&CountingEntropy::default());
        let text = format!("  {}\r\n", key.to_text());
        assert_eq!(MasterKey::parse(&text).map(|k| k.kid()), Ok(key.kid()));
        for bad in [
            "",
            "AAAA",
            &STANDARD.encode([1; 31]),
            &STANDARD.encode([1; 33]),
            "not base64!",
        ] {
            assert_eq!(
                MasterKey::parse(bad).err(),
                Some(InvalidMasterKey::Form),
                "{bad:?}"
            );
        }
    }

    /// S41: no key that everybody has.
    #[test]
    fn one_byte_over_and_over_is_no_key() {
        let zeros = MasterKey::parse(&STANDARD.encode([0; 32]));
        assert_eq!(zeros.err(), Some(InvalidMasterKey::Obvious));
    }

    /// S35: what is sealed opens only with its key, only in its place, only whole.
    #[test]
    fn sealed_bytes_open_only_where_they_belong() {
        let key = MasterKey::generate(&CountingEntropy::default());
        let sealed = key.seal("access/k1", b"private");
        assert_eq!(
            key.unseal("access/k1", &sealed).unwrap().as_slice(),
            b"private"
        );
        assert_ne!(key.seal("access/k1", b"private"), sealed, "nonces differ");
        assert_eq!(key.unseal("access/k2", &sealed), Err(UnsealError));
        let other = MasterKey(SecretBytes::new([9; 32]));
        assert_eq!(other.unseal("access/k1", &sealed), Err(UnsealError));
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert_eq!(key.unseal("access/k1", &altered), Err(UnsealError), "{at}");
            assert_eq!(
                key.unseal("access/k1", &sealed[..at]),
                Err(UnsealError),
                "{at}"
            );
        }
    }

    #[test]
    fn derived_keys_differ() {
        let a = derive::<32>(&[1; 32], b"a");
        assert_ne!(a, derive::<32>(&[1; 32], b"b"));
        assert_ne!(a, derive::<32>(&[2; 32], b"a"));
        assert_eq!(a, derive::<32>(&[1; 32], b"a"));
    }
}
