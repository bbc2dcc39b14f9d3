//! The keys of access tokens: managed key pairs, or a configured secret.

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::jwk::{Jwk, KeyAlgorithm, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use serde::Serialize;

use super::algorithm::AccessAlgorithm;
use super::jwks::VerificationKey;
use super::master::derive;
use super::signer::Signer;
use crate::encoding;
use crate::id::KeyId;
use crate::secret::SecretString;

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

/// A key that signs access tokens. Clones share the private key, which is parsed once.
#[derive(Clone)]
pub struct AccessKey {
    kid: KeyId,
    algorithm: Algorithm,
    signer: Arc<Signer>,
    verifying: VerificationKey,
    public: Option<Jwk>,
}

/// The bytes are not a key of that algorithm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a usable {0} key")]
pub struct InvalidKey(&'static str);

impl AccessKey {
    /// Opens a managed key pair; the size that the algorithm names does not matter here. Its name
    /// is the RFC 7638 thumbprint of its public key.
    pub fn from_pkcs8(algorithm: AccessAlgorithm, pkcs8: &[u8]) -> Result<Self, InvalidKey> {
        let opened = Signer::open(algorithm, pkcs8).and_then(|signer| {
            let (alg, key_alg) = match algorithm {
                AccessAlgorithm::Es256 => (Algorithm::ES256, KeyAlgorithm::ES256),
                AccessAlgorithm::EdDsa => (Algorithm::EdDSA, KeyAlgorithm::EdDSA),
                AccessAlgorithm::Rs256(_) => (Algorithm::RS256, KeyAlgorithm::RS256),
            };
            let mut jwk = Jwk::from_decoding_key(&signer.public()?, Some(alg)).ok()?;
            let kid = jwk.thumbprint(ThumbprintHash::SHA256).ok()?;
            jwk.common.key_id = Some(kid.clone());
            jwk.common.key_algorithm = Some(key_alg);
            jwk.common.public_key_use = Some(PublicKeyUse::Signature);
            let kid = KeyId::from_trusted(kid);
            let decoding = DecodingKey::from_jwk(&jwk).ok()?;
            Some(Self {
                verifying: VerificationKey::new(Some(kid.clone()), alg, decoding),
                kid,
                algorithm: alg,
                signer: Arc::new(signer),
                public: Some(jwk),
            })
        });
        opened.ok_or(InvalidKey(algorithm.as_str()))
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
            signer: Arc::new(Signer::of_secret(secret.expose())),
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

    /// Signs claims as a JWT of that `typ`.
    #[expect(clippy::expect_used, reason = "the claims are plain data")]
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
        let signature = self.signer.sign(token.as_bytes());
        token.push('.');
        token.push_str(&encoding::base64url(signature));
        token
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessKey({:?} {})", self.algorithm, self.kid)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aws_lc_rs::signature::RsaKeyPair;

    use super::*;
    use crate::key::RsaBits;
    use crate::token::jws::Compact;

    /// An RSA key pair of 1024 bits as PKCS#8, made for this test.
    const RSA_1024: &str = "\
        MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBAKMcCslMYJ5z1xva3isLykd3cB_RRz8W\
        HlHwvheQX7G3WEWBCiFNPV89wCchq_uCwj3nPx7mQzd1W04UsK-jdy7yl6Nq42argm0ykRX5TLZ2wrqT\
        Ez4G1jYg3ED9kw7g7BW6CBalgchSCSdkCCitExBoh9nq8r7EA5EwJwlonW89AgMBAAECgYEAgTJqHM6h\
        zYDGR2sTBZe-LuOdbaZwP7k-ZPtDJxkVo4gtpEg1BPHQhgs8lAJo3rzRLQVpiwkq_te3bd6XoVfiw4oM\
        1J3APP3z6mEMhdKLorBukwzL2kB1L8BAHdwwxY-lTLP4q1oMEmaVjg8-ACgvcLZLSOpCZhDWbjdOF8Yu\
        bEUCQQDWgTuuJe3KhT592G615MLBSOXmc1rZAX8R7Mu3xaFQ2FvtmLx8ufXPGNE0WiNiWagP7_Yqq7iw\
        jCnabB5scA0HAkEAwqmZDfP8h5sO87tWNWNwQQgXwYPTrD0EAK3UM-61A3SdE3oArukqwfvKFng0u2-h\
        8o9r1CUc7rWZhPFmovcUmwJBAJxKZziZLCxeb0z0UJ45gumf-tqxfCUXYQWnejt5RPOJ4Vk560QZno95\
        rpytfJChcMHD_qHSouwIBErAcl5iOisCQAXoacm_nulqrlB9XgduxihjG313B8SRcX6nx-nvk7TQJDhE\
        GqM0VmTexGpcKZWKtMqMycP9gFxKTKd5QBkwEIMCQAW4YDXO_WxrmUCwlMkJIYg6eVIuU8qG0mFw0Und\
        Q3-F2sX4zjZLRChXMvOCWsQa-H1MtHJW-Wi-ql7cWI2r-Uo";

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

    fn key(algorithm: AccessAlgorithm) -> AccessKey {
        AccessKey::from_pkcs8(algorithm, &algorithm.generate()).unwrap()
    }

    /// S28 S29: the published key is public, named by its thumbprint, and says what it is for.
    #[test]
    fn a_managed_key_publishes_only_its_public_half() {
        for (algorithm, alg, kty, particular) in [
            (
                AccessAlgorithm::Es256,
                "ES256",
                "EC",
                &["crv", "x", "y"][..],
            ),
            (AccessAlgorithm::EdDsa, "EdDSA", "OKP", &["crv", "x"]),
            (
                AccessAlgorithm::Rs256(RsaBits::B2048),
                "RS256",
                "RSA",
                &["e", "n"],
            ),
        ] {
            let key = key(algorithm);
            let jwk = serde_json::to_value(key.public().unwrap()).unwrap();
            let members: BTreeSet<_> = jwk
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let common = ["alg", "kid", "kty", "use"];
            let expected: BTreeSet<_> = common.iter().chain(particular).copied().collect();
            assert_eq!(members, expected);
            assert_eq!(jwk["kid"], key.kid().as_str());
            assert_eq!((&jwk["alg"], &jwk["use"]), (&alg.into(), &"sig".into()));
            assert_eq!(jwk["kty"], kty);
        }
    }

    /// Every algorithm signs what the published key verifies, and its header names it.
    #[test]
    fn what_is_signed_verifies_with_the_published_key() {
        for algorithm in [
            AccessAlgorithm::Es256,
            AccessAlgorithm::EdDsa,
            AccessAlgorithm::Rs256(RsaBits::B2048),
        ] {
            let key = key(algorithm);
            let token = key.sign("at+jwt", &serde_json::json!({ "a": 1 }));
            let public = DecodingKey::from_jwk(key.public().unwrap()).unwrap();
            let compact = Compact::parse(&token).unwrap();
            assert_eq!(compact.alg(), algorithm.as_str());
            assert_eq!(compact.kid(), Some(key.kid().as_str()));
            assert!(
                compact.verify(key.algorithm, &public).is_ok(),
                "{algorithm:?}"
            );
        }
    }

    /// S30: neither junk nor a key of another kind is taken, nor an RSA key that is too short.
    #[test]
    fn what_is_not_a_key_of_the_algorithm_is_refused() {
        let every = [
            AccessAlgorithm::Es256,
            AccessAlgorithm::EdDsa,
            AccessAlgorithm::Rs256(RsaBits::B2048),
        ];
        for algorithm in every {
            for other in every.into_iter().filter(|other| *other != algorithm) {
                assert!(AccessKey::from_pkcs8(algorithm, &other.generate()).is_err());
            }
            assert!(AccessKey::from_pkcs8(algorithm, b"junk").is_err());
            assert!(AccessKey::from_pkcs8(algorithm, b"").is_err());
        }
        let short = encoding::decode_base64url(RSA_1024).unwrap();
        let why = RsaKeyPair::from_pkcs8(&short).unwrap_err().to_string();
        assert_eq!(why, "TooSmall");
        let rs256 = AccessAlgorithm::Rs256(RsaBits::B2048);
        assert!(AccessKey::from_pkcs8(rs256, &short).is_err());
    }
}
