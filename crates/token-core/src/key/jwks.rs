//! Keys that verify, one's own or somebody else's published ones.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::import;
use crate::encoding;
use crate::id::KeyId;

/// The longest JWK set that is looked at, in bytes: room for more than eighty RSA keys.
pub const MAX_JWKS_BYTES: usize = 64 * 1024;

/// A key that verifies tokens of exactly one algorithm (RFC 8725 §3.1).
#[derive(Debug, Clone)]
pub struct VerificationKey {
    kid: Option<KeyId>,
    algorithm: Algorithm,
    decoding: DecodingKey,
    fingerprint: KeyFingerprint,
}

/// What a key is: the same for the same key however often it is read, and another for a key of
/// another name, algorithm or value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyFingerprint([u8; 32]);

impl fmt::Debug for KeyFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A shared secret has one too.
        f.write_str("[redacted]")
    }
}

impl VerificationKey {
    pub(super) fn new(kid: Option<KeyId>, algorithm: Algorithm, decoding: DecodingKey) -> Self {
        Self {
            fingerprint: KeyFingerprint::of(kid.as_ref(), algorithm, &decoding),
            kid,
            algorithm,
            decoding,
        }
    }

    /// The key of a shared secret (`HS256`), for services that were given renewd's
    /// `ACCESS_TOKEN_SECRET`. It verifies tokens whatever their `kid`.
    pub fn from_secret(secret: &super::SigningSecret) -> Self {
        Self::new(
            None,
            Algorithm::HS256,
            DecodingKey::from_secret(secret.expose()),
        )
    }

    pub(crate) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(crate) const fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }

    pub(crate) const fn fingerprint(&self) -> &KeyFingerprint {
        &self.fingerprint
    }

    fn is_for(&self, kid: Option<&str>, alg: &str) -> bool {
        let named = match &self.kid {
            None => true,
            Some(own) => kid == Some(own.as_str()),
        };
        named && alg_names(self.algorithm).contains(&alg)
    }
}

/// The keys a verifier has at the moment.
#[derive(Debug, Clone, Default)]
pub struct VerificationKeys(Vec<VerificationKey>);

/// A document is not a usable JWK set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidJwks {
    /// Longer than [`MAX_JWKS_BYTES`].
    #[error("the JWK set is too long")]
    TooLong,
    /// Not the JSON of RFC 7517 §5.
    #[error("not a JWK set: {0}")]
    Form(&'static str),
    /// No key in it can verify signatures of an algorithm that is supported.
    #[error("the JWK set has no usable key")]
    Empty,
    /// Two keys have one name.
    #[error("the JWK set has two keys named `{0}`")]
    DuplicateKid(String),
}

impl VerificationKeys {
    /// These keys.
    pub const fn new(keys: Vec<VerificationKey>) -> Self {
        Self(keys)
    }

    /// Those of the keys that have one of these names.
    pub(super) fn only(&self, names: &[&KeyId]) -> Self {
        let is_kept = |key: &&VerificationKey| {
            let kid = key.kid.as_ref();
            kid.is_some_and(|kid| names.contains(&kid))
        };
        Self(self.0.iter().filter(is_kept).cloned().collect())
    }

    /// The usable keys of a JWK set (RFC 7517 §5): public ones, with a name, for signatures, of
    /// one algorithm that fits their type and is strong enough. Others are passed over, as
    /// RFC 7517 §5 says.
    pub fn from_jwks(document: &str) -> Result<Self, InvalidJwks> {
        if document.len() > MAX_JWKS_BYTES {
            return Err(InvalidJwks::TooLong);
        }
        let mut set = encoding::unique_json_object(document.as_bytes())
            .ok_or(InvalidJwks::Form("not a JSON object of unique members"))?;
        let Some(Value::Array(list)) = set.remove("keys") else {
            return Err(InvalidJwks::Form("it has no list of `keys`"));
        };
        let keys: Vec<_> = list
            .into_iter()
            .filter_map(|key| match key {
                Value::Object(members) => import::usable(members),
                _ => None,
            })
            .collect();
        for (at, key) in keys.iter().enumerate() {
            if keys.iter().skip(at + 1).any(|other| other.kid == key.kid) {
                let name = key.kid.as_ref().map_or("", KeyId::as_str);
                return Err(InvalidJwks::DuplicateKid(name.to_owned()));
            }
        }
        if keys.is_empty() {
            Err(InvalidJwks::Empty)
        } else {
            Ok(Self(keys))
        }
    }

    /// Whether this very key is one of them.
    pub(crate) fn have(&self, key: &KeyFingerprint) -> bool {
        self.0.iter().any(|own| own.fingerprint == *key)
    }

    /// The key of that name, if it is for that algorithm.
    pub(crate) fn find(&self, kid: Option<&str>, alg: &str) -> Option<&VerificationKey> {
        self.0.iter().find(|key| key.is_for(kid, alg))
    }
}

impl KeyFingerprint {
    fn of(kid: Option<&KeyId>, algorithm: Algorithm, key: &DecodingKey) -> Self {
        let value: [&[u8]; 2] = match key.kind() {
            DecodingKeyKind::SecretOrDer(bytes) => [bytes, &[]],
            DecodingKeyKind::RsaModulusExponent { n, e } => [n, e],
        };
        let kid = kid.map_or("", KeyId::as_str);
        let mut digest = Sha256::new();
        for part in [
            kid.as_bytes(),
            format!("{algorithm:?}").as_bytes(),
            value[0],
            value[1],
        ] {
            // With its length in front, so that no part can pass for the end of another.
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        Self(digest.finalize().into())
    }
}

/// What the header of a token may call an algorithm that renewd verifies.
const fn alg_names(algorithm: Algorithm) -> &'static [&'static str] {
    match algorithm {
        Algorithm::HS256 => &["HS256"],
        Algorithm::ES256 => &["ES256"],
        // RFC 9864 §2.2: the newer name says the curve too; a key of ours has no other.
        Algorithm::EdDSA => &["EdDSA", "Ed25519"],
        Algorithm::RS256 => &["RS256"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{AccessAlgorithm, AccessKey};
    use serde_json::json;

    fn jwk() -> serde_json::Value {
        let pkcs8 = AccessAlgorithm::Es256.generate();
        let key = AccessKey::from_pkcs8(AccessAlgorithm::Es256, &pkcs8).unwrap();
        serde_json::to_value(key.public().unwrap()).unwrap()
    }

    fn set(keys: &[serde_json::Value]) -> Result<usize, InvalidJwks> {
        let document = serde_json::json!({ "keys": keys }).to_string();
        VerificationKeys::from_jwks(&document).map(|keys| keys.0.len())
    }

    /// S3 S29 S37: unusable keys are passed over, doubtful sets are refused.
    #[test]
    fn sets_are_read_with_care() {
        let good = jwk();
        let with = |name: &str, value: &str| {
            let mut key = good.clone();
            key[name] = value.into();
            key
        };
        assert_eq!(set(&[good.clone(), jwk()]), Ok(2));
        assert_eq!(set(&[good.clone(), with("use", "enc")]), Ok(1));
        assert_eq!(set(&[with("alg", "ES384")]), Err(InvalidJwks::Empty));
        assert_eq!(
            set(&[serde_json::json!({"kty": "oct", "kid": "x", "k": "AAAA"})]),
            Err(InvalidJwks::Empty)
        );
        assert_eq!(set(&[]), Err(InvalidJwks::Empty));
        let kid = good["kid"].as_str().unwrap().to_owned();
        assert_eq!(
            set(&[good.clone(), good.clone()]),
            Err(InvalidJwks::DuplicateKid(kid))
        );
        for bad in [
            "{",
            "[]",
            "{}",
            r#"{"keys":{}}"#,
            r#"{"keys":[],"keys":[]}"#,
            "<html>",
        ] {
            let verdict = VerificationKeys::from_jwks(bad);
            assert!(matches!(verdict, Err(InvalidJwks::Form(_))), "{bad}");
        }
        let long = format!("{{\"keys\":[]}}{}", " ".repeat(MAX_JWKS_BYTES));
        let verdict = VerificationKeys::from_jwks(&long);
        assert_eq!(verdict.err(), Some(InvalidJwks::TooLong));
        let around = [json!(7), json!({}), json!({"kty": 7}), good, json!(null)];
        assert_eq!(set(&around), Ok(1), "one bad key spoils no other");
    }
}
