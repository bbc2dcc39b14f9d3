//! Keys: the master key, the keys of access tokens, the keys of refresh tokens, and their life.

mod access;
mod algorithm;
mod import;
mod jwks;
pub mod life;
mod master;
mod pepper;
mod refresh;
mod ring;
mod signer;
mod sources;
#[cfg(test)]
mod wycheproof;

pub use access::{AccessKey, InvalidKey, SigningSecret, WeakSecret};
pub use algorithm::{AccessAlgorithm, RsaBits};
pub(crate) use jwks::KeyFingerprint;
pub use jwks::{InvalidJwks, MAX_JWKS_BYTES, VerificationKey, VerificationKeys};
pub use master::{InvalidMasterKey, MasterKey, UnsealError};
pub use pepper::{Pepper, Peppers};
pub use refresh::{RefreshKey, RefreshKeys};
pub use ring::{KeyRing, KeyRingError};
pub use sources::{KeyPlan, KeySources};
