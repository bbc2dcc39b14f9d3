//! Keys: the master key, the keys of access tokens, the keys of refresh tokens, and their life.

mod access;
mod algorithm;
mod jwks;
mod master;
mod refresh;
mod ring;
mod signer;

pub use access::{AccessKey, InvalidKey, SigningSecret, WeakSecret};
pub use algorithm::{AccessAlgorithm, RsaBits};
pub use jwks::{InvalidJwks, VerificationKey, VerificationKeys};
pub use master::{InvalidMasterKey, MasterKey, Pepper, UnsealError};
pub use refresh::{RefreshKey, RefreshKeys};
pub use ring::{KeyRing, KeyRingError, KeySources};
