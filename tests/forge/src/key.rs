//! Keys that sign, of every algorithm that access tokens can have.

use std::fmt;

use aws_lc_rs::rand::{SystemRandom, fill};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
    RsaEncoding,
};
use aws_lc_rs::{digest, hmac};
use serde_json::{Value, json};

use crate::token::encode;

/// An algorithm that access tokens are signed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256.
    Es256,
    /// Ed25519.
    EdDsa,
    /// RSASSA-PKCS1-v1_5.
    Rs256,
    /// HMAC.
    Hs256,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Es256, Self::EdDsa, Self::Rs256, Self::Hs256];

    /// The name in the `alg` header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Hs256 => "HS256",
        }
    }
}

/// A key of one algorithm.
pub struct Key {
    algorithm: Algorithm,
    kid: String,
    pair: Pair,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair),
    Secret(Vec<u8>),
}

impl Key {
    /// A new key, named by its RFC 7638 thumbprint; a secret by what is hashed from it.
    pub fn generate(algorithm: Algorithm) -> Self {
        let pair = match algorithm {
            Algorithm::Es256 => {
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map(Pair::Ec)
            }
            Algorithm::EdDsa => Ed25519KeyPair::generate().map(Pair::Ed),
            Algorithm::Rs256 => RsaKeyPair::generate(KeySize::Rsa2048).map(Pair::Rsa),
            Algorithm::Hs256 => {
                let mut random = [0; 32];
                fill(&mut random).map(|()| Pair::Secret(encode(random).into_bytes()))
            }
        }
        .expect("a key is made");
        let kid = String::new();
        let mut key = Self {
            algorithm,
            kid,
            pair,
        };
        key.kid = key.thumbprint();
        key
    }

    /// A secret that is known already, under the name that it has.
    pub fn secret(kid: &str, secret: &[u8]) -> Self {
        Self {
            algorithm: Algorithm::Hs256,
            kid: kid.to_owned(),
            pair: Pair::Secret(secret.to_vec()),
        }
    }

    /// Its algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its name.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The bytes of a secret; `None` for a key pair.
    pub fn secret_bytes(&self) -> Option<&[u8]> {
        match &self.pair {
            Pair::Secret(secret) => Some(secret),
            Pair::Ec(_) | Pair::Ed(_) | Pair::Rsa(_) => None,
        }
    }

    /// The public key as a JWK; a secret has none.
    pub fn jwk(&self) -> Option<Value> {
        let mut jwk = self.bare_jwk()?;
        jwk["alg"] = self.algorithm.name().into();
        jwk["kid"] = self.kid.as_str().into();
        jwk["use"] = "sig".into();
        Some(jwk)
    }

    fn bare_jwk(&self) -> Option<Value> {
        match &self.pair {
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
                Some(json!({ "crv": "P-256", "kty": "EC", "x": x, "y": y }))
            }
            Pair::Ed(pair) => {
                let x = encode(pair.public_key());
                Some(json!({ "crv": "Ed25519", "kty": "OKP", "x": x }))
            }
            Pair::Rsa(pair) => {
                // PKCS#1 of 2048 bits is laid out the same for every key: the modulus after nine
                // bytes of tags, lengths and a zero, the exponent in the last three.
                let der = pair.public_key().as_ref();
                let (n, e) = (encode(&der[9..265]), encode(&der[267..]));
                Some(json!({ "e": e, "kty": "RSA", "n": n }))
            }
            Pair::Secret(_) => None,
        }
    }

    /// RFC 7638 §3: the required members in the order of their names, which is how they are
    /// written above.
    fn thumbprint(&self) -> String {
        let text = match (self.bare_jwk(), self.secret_bytes()) {
            (Some(jwk), _) => jwk.to_string().into_bytes(),
            (None, secret) => [b"kid of ", secret.unwrap_or_default()].concat(),
        };
        encode(digest::digest(&digest::SHA256, &text))
    }

    /// Signs in the key's own algorithm.
    pub fn sign(&self, input: &[u8]) -> Vec<u8> {
        let name = self.algorithm.name();
        self.sign_as(name, input).expect("its own algorithm")
    }

    /// Signs in any algorithm that the key's type can do; `None` where it cannot.
    pub fn sign_as(&self, alg: &str, input: &[u8]) -> Option<Vec<u8>> {
        let signature = match (&self.pair, alg) {
            (Pair::Ec(pair), "ES256") => {
                let signature = pair.sign(&SystemRandom::new(), input);
                signature.expect("a signature").as_ref().to_vec()
            }
            (Pair::Ed(pair), "EdDSA" | "Ed25519") => pair.sign(input).as_ref().to_vec(),
            (Pair::Rsa(pair), _) => rsa(pair, alg, input)?,
            (Pair::Secret(secret), _) => mac(secret, alg, input)?,
            _ => return None,
        };
        Some(signature)
    }
}

fn rsa(pair: &RsaKeyPair, alg: &str, input: &[u8]) -> Option<Vec<u8>> {
    let padding: &'static dyn RsaEncoding = match alg {
        "RS256" => &RSA_PKCS1_SHA256,
        "RS384" => &RSA_PKCS1_SHA384,
        "RS512" => &RSA_PKCS1_SHA512,
        "PS256" => &RSA_PSS_SHA256,
        "PS384" => &RSA_PSS_SHA384,
        "PS512" => &RSA_PSS_SHA512,
        _ => return None,
    };
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(padding, &SystemRandom::new(), input, &mut signature)
        .expect("a signature");
    Some(signature)
}

/// The HMAC of a JWS; `None` for the name of no such algorithm.
pub(crate) fn mac(secret: &[u8], alg: &str, input: &[u8]) -> Option<Vec<u8>> {
    let hash = match alg {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        _ => return None,
    };
    Some(
        hmac::sign(&hmac::Key::new(hash, secret), input)
            .as_ref()
            .to_vec(),
    )
}

/// SHA-256.
pub fn sha256(input: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, input).as_ref().to_vec()
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} {})", self.algorithm.name(), self.kid)
    }
}
