//! Values that must not be printed, left in memory, or compared in variable time.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::encoding;
use crate::random::{self, Entropy};

/// A text nobody may see in a log: a password, a token, a configured secret.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretString(String);

impl SecretString {
    /// Takes the text in.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Secret bytes of a fixed length, compared in constant time.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes<const N: usize>([u8; N]);

impl<const N: usize> SecretBytes<N> {
    /// Takes the bytes in.
    pub const fn new(bytes: [u8; N]) -> Self {
        Self(bytes)
    }

    /// The bytes themselves.
    pub const fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> PartialEq for SecretBytes<N> {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl<const N: usize> Eq for SecretBytes<N> {}

impl<const N: usize> fmt::Debug for SecretBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The `jti` of a refresh token: who holds it (inside a signed token) can refresh. It is minted or
/// presented, never stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RefreshSecret(SecretBytes<32>);

impl RefreshSecret {
    /// The first secret of a session: 256 random bits (RFC 6749 §10.10 asks for 160).
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(SecretBytes::new(random::bytes(entropy)))
    }

    /// Wraps bytes computed by the chain or read from a verified token.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(SecretBytes::new(bytes))
    }

    /// The secret's bytes.
    pub const fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }

    /// The `jti` claim.
    pub fn to_claim(&self) -> String {
        encoding::base64url(self.expose())
    }

    /// Reads a `jti` claim; `None` unless it is 32 bytes in strict base64url.
    pub fn from_claim(text: &str) -> Option<Self> {
        encoding::decode_base64url_exact(text).map(Self::from_bytes)
    }

    /// What storage keeps of it. A plain hash is enough for 256 random bits.
    pub fn digest(&self) -> RefreshDigest {
        RefreshDigest(Sha256::digest(self.expose()).into())
    }
}

/// SHA-256 of a [`RefreshSecret`]: stored and compared, useless to present.
#[derive(Clone, Copy)]
pub struct RefreshDigest([u8; 32]);

impl RefreshDigest {
    /// Wraps a digest that was read from storage.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for RefreshDigest {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for RefreshDigest {}

impl fmt::Debug for RefreshDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshDigest([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::CountingEntropy;

    #[test]
    fn nothing_secret_is_printed() {
        let secret = RefreshSecret::generate(&CountingEntropy::default());
        let printed = format!(
            "{secret:?} {:?} {:?}",
            secret.digest(),
            SecretString::new("hunter2".into())
        );
        assert_eq!(
            printed,
            "RefreshSecret([redacted]) RefreshDigest([redacted]) [redacted]"
        );
    }

    #[test]
    fn secrets_and_digests_are_told_apart() {
        let entropy = CountingEntropy::default();
        let [one, other] = [0, 1].map(|_| RefreshSecret::generate(&entropy));
        assert!(one == one.clone() && one != other);
        assert!(one.digest() == one.clone().digest() && one.digest() != other.digest());
    }

    #[test]
    fn a_claim_is_exactly_32_bytes() {
        let secret = RefreshSecret::generate(&CountingEntropy::default());
        assert_eq!(
            RefreshSecret::from_claim(&secret.to_claim()),
            Some(secret.clone())
        );
        assert_eq!(
            RefreshSecret::from_claim(&format!("{}A", secret.to_claim())),
            None
        );
        assert_eq!(
            RefreshSecret::from_claim(&encoding::base64url([1_u8; 31])),
            None
        );
        assert_eq!(RefreshSecret::from_claim(""), None);
    }
}
