//! Refresh tokens signed with a fixed key.

use std::sync::LazyLock;

use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use jsonwebtoken::{Algorithm, EncodingKey};
use token_core::encoding::base64url;
use token_core::key::{RefreshKey, RefreshKeys};

/// What the key is derived from.
const MATERIAL: [u8; 32] = [1; 32];

/// The one key.
pub static KEYS: LazyLock<RefreshKeys> =
    LazyLock::new(|| RefreshKeys::new(RefreshKey::from_material(&MATERIAL), []));

/// What signs, derived as `RefreshKey` has it.
static SIGNING: LazyLock<EncodingKey> = LazyLock::new(|| {
    let mut secret = [0; 32];
    Salt::new(HKDF_SHA256, &[])
        .extract(&MATERIAL)
        .expand(&[b"renewd refresh signing v1"], HKDF_SHA256)
        .and_then(|output| output.fill(&mut secret))
        .expect("32 bytes");
    EncodingKey::from_secret(&secret)
});

/// The header of a good token.
pub fn header() -> String {
    let kid = KEYS.active().kid().as_str();
    format!(r#"{{"typ":"rt+jwt","alg":"HS256","kid":"{kid}"}}"#)
}

/// A token with these parts, genuinely signed.
pub fn sign(header: impl AsRef<[u8]>, claims: impl AsRef<[u8]>) -> String {
    let input = format!("{}.{}", base64url(header), base64url(claims));
    let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &SIGNING, Algorithm::HS256);
    format!("{input}.{}", signature.expect("a secret always signs"))
}
