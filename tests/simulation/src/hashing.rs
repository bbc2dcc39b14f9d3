//! The port around passwords: a hash that names its password and costs nothing. What bcrypt does is
//! tested elsewhere; here counts *when* it is asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use token_core::key::Peppers;
use token_core::password::{
    CandidatePassword, HashingBusy, NewPasswordError, PasswordHash, PasswordHashing,
    PresentedPassword, Verification,
};
use token_core::store::BoxFuture;

use crate::control::Control;

/// Knows by the task that is polled which password is presented.
pub struct NamedHashing {
    control: Arc<Control>,
    salt: AtomicU64,
}

impl NamedHashing {
    pub fn new(control: Arc<Control>) -> Self {
        Self {
            control,
            salt: AtomicU64::new(1),
        }
    }

    fn hash_of(&self, password: u32) -> PasswordHash {
        hash(password, self.salt.fetch_add(1, Ordering::Relaxed))
    }
}

/// The hash of a password.
pub fn hash(password: u32, salt: u64) -> PasswordHash {
    PasswordHash::from_stored(format!("{password}:{salt}"))
}

/// Which password a hash is of.
pub fn password_of(hash: &str) -> Option<u32> {
    hash.split_once(':')?.0.parse().ok()
}

impl PasswordHashing for NamedHashing {
    fn use_peppers(&self, _: Arc<Peppers>) {}

    fn hash(&self, _: CandidatePassword) -> BoxFuture<'_, Result<PasswordHash, NewPasswordError>> {
        let hash = self.hash_of(self.control.speaker().new_password);
        Box::pin(std::future::ready(Ok(hash)))
    }

    fn verify(
        &self,
        _: PresentedPassword,
        stored: Option<PasswordHash>,
    ) -> BoxFuture<'_, Result<Verification, HashingBusy>> {
        let presented = self.control.speaker().password;
        let right = stored.and_then(|hash| password_of(hash.as_str())) == Some(presented);
        let verdict = if right {
            Verification::Right { outdated: false }
        } else {
            Verification::Wrong
        };
        Box::pin(std::future::ready(Ok(verdict)))
    }

    fn renew(&self, _: PresentedPassword) -> BoxFuture<'_, Result<PasswordHash, HashingBusy>> {
        let hash = self.hash_of(self.control.speaker().password);
        Box::pin(std::future::ready(Ok(hash)))
    }
}
