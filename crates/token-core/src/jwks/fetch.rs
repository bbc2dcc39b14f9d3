//! The port through which key sets come.

use std::time::Duration;

use crate::store::BoxFuture;

/// Where an issuer's key set comes from.
///
/// An implementation asks one fixed place over an authenticated connection (https), follows no
/// redirect, and bounds both the time and the bytes that an answer may take.
pub trait JwksFetch: Send + Sync {
    /// Asks for the key set once. The future ends by itself within the implementation's time
    /// limit, and also when nobody has polled it for a while.
    fn fetch(&self) -> BoxFuture<'_, Result<FetchedJwks, FetchError>>;
}

/// A key set as it was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedJwks {
    /// The JSON text.
    pub document: String,
    /// How long its publisher lets it be kept (RFC 9111 §5.2.2.1), if it said so.
    pub max_age: Option<Duration>,
}

/// A key set could not be had. The text is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(String);

impl FetchError {
    /// With what went wrong, as a clause without a full stop.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}
