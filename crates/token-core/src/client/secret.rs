//! A client's secret, which can only be shown or presented, and its digest, which can only be
//! stored or compared.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::encoding;
use crate::random::{self, Entropy};
use crate::secret::{SecretBytes, SecretString};

/// A client's secret: 256 random bits, never a word that a person chose.
#[derive(Debug, Clone)]
pub struct ClientSecret(SecretString);

impl ClientSecret {
    /// Makes one up.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let bytes: [u8; 32] = random::bytes(entropy);
        Self(encoding::base64url(bytes).into())
    }

    /// Takes whatever a client presents.
    pub fn presented(text: String) -> Self {
        Self(text.into())
    }

    /// The secret itself, to be shown once.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What is stored of it. Slow hashing makes up for what people choose; 256 random bits are
    /// not found however fast the hash.
    pub fn digest(&self) -> ClientSecretDigest {
        let digest = Sha256::digest(self.expose().as_bytes());
        ClientSecretDigest(SecretBytes::new(digest.into()))
    }
}

/// SHA-256 of a client's secret: stored and compared (in constant time), useless to present.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecretDigest(SecretBytes<32>);

impl ClientSecretDigest {
    /// Wraps a digest that was read from storage.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(SecretBytes::new(bytes))
    }

    /// The digest's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

impl fmt::Debug for ClientSecretDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecretDigest([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::CountingEntropy;

    #[test]
    fn only_the_very_secret_is_its_own() {
        let entropy = CountingEntropy::default();
        let secret = ClientSecret::generate(&entropy);
        let digest = secret.digest();
        assert_eq!(secret.expose().len(), 43);
        let same = ClientSecret::presented(secret.expose().to_owned());
        assert!(same.digest() == digest);
        for other in [
            ClientSecret::generate(&entropy).expose(),
            "",
            &secret.expose()[..42],
            &format!("{}A", secret.expose()),
            &secret.expose().to_lowercase(),
            &encoding::base64url(digest.as_bytes()),
        ] {
            assert!(ClientSecret::presented(other.to_owned()).digest() != digest);
        }
    }

    #[test]
    fn neither_is_printed() {
        let secret = ClientSecret::generate(&CountingEntropy::default());
        let printed = format!("{secret:?} {:?}", secret.digest());
        assert_eq!(
            printed,
            "ClientSecret([redacted]) ClientSecretDigest([redacted])"
        );
    }
}
