//! Keys: the master key, the keys of access tokens, the keys of refresh tokens, and their life.

mod access;
mod jwks;
mod master;
mod refresh;
mod ring;
#[cfg(test)]
mod wycheproof;

pub use access::{AccessAlgorithm, AccessKey, InvalidKey, SigningSecret, WeakSecret};
pub use jwks::{InvalidJwks, VerificationKey, VerificationKeys};
pub use master::{InvalidMasterKey, MasterKey, Pepper, UnsealError};
pub use refresh::{RefreshKey, RefreshKeys};
pub use ring::{KeyRing, KeyRingError, KeySources};
