//! Private keys, parsed once: parsing and checking one costs more than signing with it, for RSA by
//! far.

use std::ops::RangeInclusive;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use jsonwebtoken::DecodingKey;

use super::algorithm::AccessAlgorithm;

/// Signs with one key by one algorithm.
pub(super) enum Signer {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair),
    Hmac(Box<hmac::Key>),
}

/// The bytes of an RSA modulus that is strong enough (RFC 7518 §3.3) and not needlessly slow.
const RSA_BYTES: RangeInclusive<usize> = 256..=512;

impl Signer {
    /// Opens a key pair; `None` if it is not one of that algorithm.
    pub(super) fn open(algorithm: AccessAlgorithm, pkcs8: &[u8]) -> Option<Self> {
        match algorithm {
            AccessAlgorithm::Es256 => {
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                    .ok()
                    .map(Self::Ecdsa)
            }
            AccessAlgorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).ok().map(Self::Ed25519),
            AccessAlgorithm::Rs256(_) => RsaKeyPair::from_pkcs8(pkcs8)
                .ok()
                .filter(|pair| RSA_BYTES.contains(&pair.public_modulus_len()))
                .map(Self::Rsa),
        }
    }

    /// A shared secret.
    pub(super) fn of_secret(secret: &[u8]) -> Self {
        Self::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, secret)))
    }

    /// The public key; a shared secret has none.
    pub(super) fn public(&self) -> Option<DecodingKey> {
        match self {
            Self::Ecdsa(pair) => Some(DecodingKey::from_ec_der(pair.public_key().as_ref())),
            Self::Ed25519(pair) => Some(DecodingKey::from_ed_der(pair.public_key().as_ref())),
            Self::Rsa(pair) => Some(DecodingKey::from_rsa_der(pair.public_key().as_ref())),
            Self::Hmac(_) => None,
        }
    }

    /// Signs.
    #[expect(
        clippy::expect_used,
        reason = "a key that was opened fails to sign only without randomness or memory"
    )]
    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ecdsa(pair) => pair
                .sign(&random, message)
                .expect("an opened key signs")
                .as_ref()
                .to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .expect("an opened key signs");
                signature
            }
            Self::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
        }
    }
}
