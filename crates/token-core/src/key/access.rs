//! The keys of access tokens: managed key pairs, or a configured secret.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::crypto::JwtSigner;
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use serde::Serialize;

use super::jwks::VerificationKey;
use super::master::derive;
use crate::encoding;
use crate::id::KeyId;
use crate::secret::SecretString;

/// The algorithm of a managed key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessAlgorithm {
    /// ECDSA on P-256 with SHA-256 (RFC 7518 §3.4), which every verifier knows.
    Es256,
}

impl AccessAlgorithm {
    /// The name in the `alg` header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
        }
    }

    /// Makes a new key pair, as PKCS#8.
    #[expect(
        clippy::expect_used,
        reason = "key generation fails only without randomness"
    )]
    pub fn generate(self) -> Vec<u8> {
        match self {
            Self::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                .and_then(|pair| pair.to_pkcs8v1())
                .map(|der| der.as_ref().to_vec())
                .expect("a key pair is made"),
        }
    }
}

/// A configured secret that access tokens are signed with (`HS256`).
#[derive(Debug, Clone)]
pub struct SigningSecret(SecretString);

/// Why a configured secret is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakSecret {
    /// Shorter than the hash it keys (RFC 7518 §3.2).
    #[error("must have at least 32 bytes")]
    TooShort,
    /// A pattern, or something everybody tries first.
    #[error("is obviously weak: use random bytes, for example from `openssl rand -base64 48`")]
    Obvious,
}

/// How much of a secret is looked at for patterns.
const SCORED_CHARS: usize = 64;
/// The decimal logarithm of the guesses that a secret must withstand, as far as patterns tell. The
/// estimate ends at 19; 32 random hexadecimal digits reach it.
const LEAST_GUESSES: f64 = 15.0;

/// What examples and tutorials say; a secret made of these words is no secret.
const EXAMPLES: [&str; 12] = [
    "secret",
    "changeme",
    "change-me",
    "change_me",
    "password",
    "your-256-bit",
    "your_256_bit",
    "yoursecret",
    "your-secret",
    "your_secret",
    "example",
    "qwerty",
];

impl SigningSecret {
    /// Takes a secret that is long enough and not obviously weak.
    pub fn parse(text: &str) -> Result<Self, WeakSecret> {
        if text.len() < 32 {
            return Err(WeakSecret::TooShort);
        }
        let lower = text.to_ascii_lowercase();
        let scored: String = text.chars().take(SCORED_CHARS).collect();
        let guesses = zxcvbn::zxcvbn(&scored, &[]).guesses_log10();
        if guesses < LEAST_GUESSES || EXAMPLES.iter().any(|example| lower.contains(example)) {
            return Err(WeakSecret::Obvious);
        }
        Ok(Self(text.to_owned().into()))
    }

    /// The secret's bytes, as they were configured.
    pub fn expose(&self) -> &[u8] {
        self.0.expose().as_bytes()
    }
}

/// A key that signs access tokens.
#[derive(Clone)]
pub struct AccessKey {
    kid: KeyId,
    algorithm: Algorithm,
    signing: EncodingKey,
    verifying: VerificationKey,
    public: Option<Jwk>,
}

/// The bytes are not a key of that algorithm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a usable {0} key")]
pub struct InvalidKey(&'static str);

impl AccessKey {
    /// Opens a managed key pair. Its name is the RFC 7638 thumbprint of its public key.
    pub fn from_pkcs8(algorithm: AccessAlgorithm, pkcs8: &[u8]) -> Result<Self, InvalidKey> {
        let invalid = InvalidKey(algorithm.as_str());
        let (alg, key_alg, signing) = match algorithm {
            AccessAlgorithm::Es256 => (
                Algorithm::ES256,
                KeyAlgorithm::ES256,
                EncodingKey::from_ec_der(pkcs8),
            ),
        };
        let mut jwk = Jwk::from_encoding_key(&signing, alg).map_err(|_| invalid.clone())?;
        let kid = jwk
            .thumbprint(ThumbprintHash::SHA256)
            .map_err(|_| invalid.clone())?;
        jwk.common.key_id = Some(kid.clone());
        jwk.common.key_algorithm = Some(key_alg);
        jwk.common.public_key_use = Some(PublicKeyUse::Signature);
        let decoding = DecodingKey::from_jwk(&jwk).map_err(|_| invalid)?;
        let kid = KeyId::from_trusted(kid);
        let verifying = VerificationKey::new(Some(kid.clone()), alg, decoding);
        Ok(Self {
            kid,
            algorithm: alg,
            signing,
            verifying,
            public: Some(jwk),
        })
    }

    /// The key of a configured secret. Its name is derived from it and says nothing about it.
    pub fn from_secret(secret: &SigningSecret) -> Self {
        let kid = derive::<12>(secret.expose(), b"renewd access kid v1");
        let kid = KeyId::from_trusted(encoding::base64url(kid.expose()));
        let decoding = DecodingKey::from_secret(secret.expose());
        Self {
            verifying: VerificationKey::new(Some(kid.clone()), Algorithm::HS256, decoding),
            kid,
            algorithm: Algorithm::HS256,
            signing: EncodingKey::from_secret(secret.expose()),
            public: None,
        }
    }

    /// The key's name.
    pub const fn kid(&self) -> &KeyId {
        &self.kid
    }

    /// What verifies its signatures.
    pub const fn verifying(&self) -> &VerificationKey {
        &self.verifying
    }

    /// The public key to publish; a secret has none.
    pub const fn public(&self) -> Option<&Jwk> {
        self.public.as_ref()
    }

    /// Signs claims as a JWT of that `typ`. The parsed private key is kept per thread, because parsing it costs more
    /// than signing with it.
    #[expect(
        clippy::expect_used,
        reason = "the key was opened once and the claims are plain data"
    )]
    pub(crate) fn sign<C: Serialize>(&self, typ: &str, claims: &C) -> String {
        let header = Header {
            typ: Some(typ.to_owned()),
            kid: Some(self.kid.as_str().to_owned()),
            ..Header::new(self.algorithm)
        };
        let json = |value: serde_json::Result<Vec<u8>>| value.expect("claims are JSON");
        let mut token = encoding::base64url(json(serde_json::to_vec(&header)));
        token.push('.');
        token.push_str(&encoding::base64url(json(serde_json::to_vec(claims))));
        let signature = self.with_signer(|signer| signer.try_sign(token.as_bytes()));
        token.push('.');
        token.push_str(&encoding::base64url(
            signature.expect("an opened key signs"),
        ));
        token
    }

    #[expect(clippy::expect_used, reason = "the key was opened once")]
    fn with_signer<T>(&self, sign: impl FnOnce(&dyn JwtSigner) -> T) -> T {
        /// More keys than a ring ever has at a time; beyond it the cache starts anew.
        const MOST: usize = 16;
        thread_local! {
            static SIGNERS: RefCell<HashMap<KeyId, Box<dyn JwtSigner>>> = RefCell::default();
        }
        SIGNERS.with_borrow_mut(|signers| {
            if signers.len() >= MOST && !signers.contains_key(&self.kid) {
                signers.clear();
            }
            let signer = signers.entry(self.kid.clone()).or_insert_with(|| {
                (DEFAULT_PROVIDER.signer_factory)(&self.algorithm, &self.signing)
                    .expect("an opened key parses again")
            });
            sign(signer.as_ref())
        })
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessKey({:?} {})", self.algorithm, self.kid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S31: short or obvious secrets are refused.
    #[test]
    fn weak_secrets_are_refused() {
        assert!(SigningSecret::parse("3q2-7wEjRWeJq83vASNFZ4mrze8BI0VniavN7w").is_ok());
        for (bad, why) in [
            ("", WeakSecret::TooShort),
            (&"x9".repeat(15), WeakSecret::TooShort),
            (&"x".repeat(64), WeakSecret::Obvious),
            (&"abc".repeat(20), WeakSecret::Obvious),
            ("0123456789abcdef0123456789abcdef", WeakSecret::Obvious),
            ("abcdefghijklmnopqrstuvwxyz0123456789", WeakSecret::Obvious),
            ("your-256-bit-secret-0123456789abcdef", WeakSecret::Obvious),
            ("CHANGEME-0123456789abcdef0123456789", WeakSecret::Obvious),
        ] {
            assert_eq!(SigningSecret::parse(bad).err(), Some(why), "{bad}");
        }
    }

    /// S28 S29: the published key is public, named by its thumbprint.
    #[test]
    fn a_managed_key_publishes_only_its_public_half() {
        let key = AccessKey::from_pkcs8(AccessAlgorithm::Es256, &AccessAlgorithm::Es256.generate())
            .unwrap();
        let jwk = serde_json::to_value(key.public().unwrap()).unwrap();
        let mut members: Vec<_> = jwk
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        members.sort_unstable();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        assert_eq!(jwk["kid"], key.kid().as_str());
        assert_eq!((&jwk["alg"], &jwk["use"]), (&"ES256".into(), &"sig".into()));
    }

    #[test]
    fn junk_is_not_a_key() {
        assert!(AccessKey::from_pkcs8(AccessAlgorithm::Es256, b"junk").is_err());
        assert!(AccessKey::from_pkcs8(AccessAlgorithm::Es256, b"").is_err());
    }
}
