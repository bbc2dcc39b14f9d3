//! Keys: the master key, the keys of access tokens, the keys of refresh tokens, and their life.

mod access;
mod import;
mod jwks;
mod master;
mod refresh;
mod ring;

pub use access::{AccessAlgorithm, AccessKey, InvalidKey, SigningSecret, WeakSecret};
pub(crate) use jwks::KeyFingerprint;
pub use jwks::{InvalidJwks, MAX_JWKS_BYTES, VerificationKey, VerificationKeys};
pub use master::{InvalidMasterKey, MasterKey, Pepper, UnsealError};
pub use refresh::{RefreshKey, RefreshKeys};
pub use ring::{KeyRing, KeyRingError, KeySources};
