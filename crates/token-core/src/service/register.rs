//! Registration.

use std::net::IpAddr;

use super::Service;
use crate::id::UserId;
use crate::password::{CandidatePassword, HashingBusy, NewPasswordError, PasswordRejected};
use crate::policy::RegistrationPolicy;
use crate::store::{CreateOutcome, NewUser, StoreError};
use crate::throttle::RetryAfter;
use crate::user::{Email, FullName, User, Username};

/// An account somebody asks for.
#[derive(Debug, Clone)]
pub struct Registration {
    /// Its user name.
    pub username: Username,
    /// Its address.
    pub email: Email,
    /// The person's name.
    pub full_name: FullName,
    /// Its password.
    pub password: CandidatePassword,
}

/// Why there is no account.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// Only admins make accounts here.
    #[error("registration is closed")]
    Closed,
    /// The user name is somebody's.
    #[error("the user name is taken")]
    UsernameTaken,
    /// The address is somebody's.
    #[error("the e-mail address is taken")]
    EmailTaken,
    /// The password is too easy to guess.
    #[error("the password {0}")]
    Password(PasswordRejected),
    /// Too many accounts from one address.
    #[error("too many attempts")]
    Throttled(RetryAfter),
    /// Too many passwords are being hashed.
    #[error(transparent)]
    Busy(#[from] HashingBusy),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NewPasswordError> for RegisterError {
    fn from(error: NewPasswordError) -> Self {
        match error {
            NewPasswordError::Busy(busy) => Self::Busy(busy),
            NewPasswordError::Rejected(rejected) => Self::Password(rejected),
        }
    }
}

impl Service {
    /// Whether anybody may make an account.
    pub fn registration_is_open(&self) -> bool {
        self.parts.registration == RegistrationPolicy::Open
    }

    /// Makes an account for somebody at this address.
    pub async fn register(
        &self,
        registration: Registration,
        address: Option<IpAddr>,
    ) -> Result<User, RegisterError> {
        if !self.registration_is_open() {
            return Err(RegisterError::Closed);
        }
        let throttle = &self.parts.throttle;
        throttle
            .attempt_from(address)
            .map_err(RegisterError::Throttled)?;
        let password_hash = self.parts.hashing.hash(registration.password).await?;
        let now = self.now();
        let user = User {
            id: UserId::generate(now, self.parts.entropy.as_ref()),
            username: registration.username,
            email: registration.email,
            full_name: registration.full_name,
            email_verified: false,
            roles: Vec::new(),
            created_at: now,
            disabled_at: None,
        };
        let new = NewUser {
            user: user.clone(),
            password_hash,
        };
        match self.parts.store.create_user(new, now).await? {
            CreateOutcome::Created => Ok(user),
            CreateOutcome::UsernameTaken => Err(RegisterError::UsernameTaken),
            CreateOutcome::EmailTaken => Err(RegisterError::EmailTaken),
        }
    }
}
