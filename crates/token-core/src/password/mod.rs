//! Passwords: what may be one, and how they are kept.

mod hash;
mod policy;

pub use hash::{BcryptCost, BcryptHasher, InvalidCost, PasswordHash, Verification};
pub use policy::{CandidatePassword, NewPassword, PasswordPolicy, PasswordRejected};

use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use crate::key::Peppers;
use crate::secret::SecretString;
use crate::store::BoxFuture;

/// A password as somebody presents it: NFC-normalised, so that two keyboards agree (NIST SP
/// 800-63B §3.1.1.2), otherwise untouched, of any length.
#[derive(Debug, Clone)]
pub struct PresentedPassword(SecretString);

impl PresentedPassword {
    /// Takes a password in.
    pub fn new(input: &str) -> Self {
        Self(input.nfc().collect::<String>().into())
    }

    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// The pool that hashes passwords is full; nothing was hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many passwords are waiting to be checked")]
pub struct HashingBusy;

/// Why a new password was not hashed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NewPasswordError {
    /// The pool is full.
    #[error(transparent)]
    Busy(#[from] HashingBusy),
    /// The password is too easy to guess.
    #[error("the password {0}")]
    Rejected(#[from] PasswordRejected),
}

/// The port for work that takes a quarter of a second of a core each time.
pub trait PasswordHashing: Send + Sync {
    /// Hashes with these peppers from now on.
    fn use_peppers(&self, peppers: Arc<Peppers>);

    /// Judges a new password and hashes it.
    fn hash(
        &self,
        password: CandidatePassword,
    ) -> BoxFuture<'_, Result<PasswordHash, NewPasswordError>>;

    /// Compares a password with a stored hash, or with nothing at the same cost.
    fn verify(
        &self,
        password: PresentedPassword,
        stored: Option<PasswordHash>,
    ) -> BoxFuture<'_, Result<Verification, HashingBusy>>;

    /// Hashes a password that was just found right, at the cost that is configured now and with
    /// the pepper that is active now.
    fn renew(
        &self,
        password: PresentedPassword,
    ) -> BoxFuture<'_, Result<PasswordHash, HashingBusy>>;
}
