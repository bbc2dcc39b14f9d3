//! Storage of keys. Private parts arrive here already encrypted under the master key.

use std::fmt;

use super::StoreFuture;
use crate::id::KeyId;
use crate::time::Timestamp;

/// What a key is for. A key is never used for anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// Signs access tokens.
    Access,
    /// Key material of refresh tokens: their signature and their chain.
    Refresh,
    /// Proves, when it can be opened, that the master key is the one this database was made with.
    MasterCheck,
}

impl KeyPurpose {
    /// Every purpose there is.
    pub const ALL: [Self; 3] = [Self::Access, Self::Refresh, Self::MasterCheck];

    /// The name in storage, and part of what binds a ciphertext to its row.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
            Self::MasterCheck => "master_check",
        }
    }
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Published, not used yet.
    Pending,
    /// The one that signs.
    Active,
    /// No longer signs, still verifies.
    Retiring,
    /// Neither signs nor verifies.
    Retired,
}

impl KeyState {
    /// Every state there is.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Active, Self::Retiring, Self::Retired];

    /// The name in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }
}

/// A key as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its name.
    pub kid: KeyId,
    /// What it is for.
    pub purpose: KeyPurpose,
    /// The JWS algorithm, for example `ES256`, or `HKDF` for key material.
    pub alg: String,
    /// Where it is in its life.
    pub state: KeyState,
    /// The public key as a JWK (RFC 7517), if it has one.
    pub public_jwk: Option<String>,
    /// The secret part, sealed under the master key.
    pub sealed: Vec<u8>,
    /// Which master key sealed it.
    pub master_kid: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl fmt::Debug for StoredKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "StoredKey({} {} {})",
            self.purpose.as_str(),
            self.state.as_str(),
            self.kid
        )
    }
}

/// Storage of keys.
pub trait KeyStore: Send + Sync {
    /// All keys that are not retired.
    fn keys(&self) -> StoreFuture<'_, Vec<StoredKey>>;

    /// Stores those of the given active keys whose purpose has no active key of that algorithm
    /// yet, and returns all keys that are not retired: nodes that start at once end up with one
    /// set.
    fn add_missing_keys(&self, keys: Vec<StoredKey>) -> StoreFuture<'_, Vec<StoredKey>>;
}
