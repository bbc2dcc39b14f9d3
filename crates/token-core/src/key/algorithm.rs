//! The algorithms of managed keys, and how such keys are made.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair,
};

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};

use crate::encoding;
use crate::store::StoredKey;

/// The algorithm of a managed key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessAlgorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4), which every verifier knows.
    Es256,
    /// Ed25519 (RFC 8037 §3.1), written with the name that verifiers know, `EdDSA`.
    EdDsa,
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3) with a modulus of that size, for verifiers
    /// that know no other.
    Rs256(RsaBits),
}

/// The size of an RSA modulus. 2048 bits are the least that is allowed (RFC 7518 §3.3), 3072 are
/// as strong as the other algorithms here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RsaBits {
    /// 2048 bits.
    B2048,
    /// 3072 bits.
    #[default]
    B3072,
    /// 4096 bits.
    B4096,
}

impl AccessAlgorithm {
    /// The name in the `alg` header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256(_) => "RS256",
        }
    }

    /// The algorithm of that name, with the usual size.
    pub fn from_name(name: &str) -> Option<Self> {
        let known = [Self::Es256, Self::EdDsa, Self::Rs256(RsaBits::default())];
        known.into_iter().find(|known| known.as_str() == name)
    }

    /// The algorithm of a stored access key, with the size that its public key has.
    pub fn of(key: &StoredKey) -> Option<Self> {
        let algorithm = Self::from_name(&key.alg)?;
        let Self::Rs256(_) = algorithm else {
            return Some(algorithm);
        };
        let jwk: Jwk = serde_json::from_str(key.public_jwk.as_deref()?).ok()?;
        let AlgorithmParameters::RSA(public) = jwk.algorithm else {
            return None;
        };
        let bytes = encoding::decode_base64url(&public.n)?.len();
        let mut sizes = RsaBits::ALL.into_iter();
        sizes
            .find(|bits| bits.get() as usize == bytes * 8)
            .map(Self::Rs256)
    }

    /// Makes a new key pair, as PKCS#8. With RSA this takes up to seconds of a core.
    #[expect(
        clippy::expect_used,
        reason = "key generation fails only without randomness"
    )]
    pub fn generate(self) -> Vec<u8> {
        self.try_generate().expect("a key pair is made")
    }

    fn try_generate(self) -> Result<Vec<u8>, Unspecified> {
        Ok(match self {
            Self::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
                pair.to_pkcs8v1()?.as_ref().to_vec()
            }
            Self::EdDsa => Ed25519KeyPair::generate()?.to_pkcs8v1()?.as_ref().to_vec(),
            Self::Rs256(bits) => {
                let pair = RsaKeyPair::generate(bits.key_size())?;
                let der: Pkcs8V1Der<'_> = pair.as_der()?;
                der.as_ref().to_vec()
            }
        })
    }
}

impl RsaBits {
    /// Every size there is.
    pub const ALL: [Self; 3] = [Self::B2048, Self::B3072, Self::B4096];

    /// The number of bits.
    pub const fn get(self) -> u32 {
        match self {
            Self::B2048 => 2_048,
            Self::B3072 => 3_072,
            Self::B4096 => 4_096,
        }
    }

    const fn key_size(self) -> KeySize {
        match self {
            Self::B2048 => KeySize::Rsa2048,
            Self::B3072 => KeySize::Rsa3072,
            Self::B4096 => KeySize::Rsa4096,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_algorithm() {
        for algorithm in [
            AccessAlgorithm::Es256,
            AccessAlgorithm::EdDsa,
            AccessAlgorithm::Rs256(RsaBits::B3072),
        ] {
            assert_eq!(
                AccessAlgorithm::from_name(algorithm.as_str()),
                Some(algorithm)
            );
        }
        for unknown in ["", "es256", "Ed25519", "RS512", "none", "HKDF"] {
            assert_eq!(AccessAlgorithm::from_name(unknown), None, "{unknown}");
        }
    }

    /// S30: the modulus has the size that was asked for.
    #[test]
    fn rsa_keys_have_their_size() {
        for bits in [RsaBits::B2048, RsaBits::B3072] {
            let pkcs8 = AccessAlgorithm::Rs256(bits).generate();
            let pair = RsaKeyPair::from_pkcs8(&pkcs8).unwrap();
            assert_eq!(pair.public_modulus_len() * 8, bits.get() as usize);
        }
    }
}
