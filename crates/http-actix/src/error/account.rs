//! What is wrong with a request about an account.

use token_core::service::{PasswordError, ProfileError, RegisterError};

use crate::error::fields::Fault;
use crate::problem::{Code, Problem};

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Closed => Code::RegistrationClosed.into(),
            RegisterError::UsernameTaken => Code::UsernameTaken.into(),
            RegisterError::EmailTaken => Code::EmailTaken.into(),
            RegisterError::Password(rejected) => Fault::from(rejected).alone_at("password"),
            RegisterError::Throttled(wait) => Self::of(Code::TooManyAttempts).retry_after(wait.0),
            RegisterError::Busy(_) => Code::Overloaded.into(),
            RegisterError::Store(error) => error.into(),
        }
    }
}

impl From<ProfileError> for Problem {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::UsernameTaken => Code::UsernameTaken.into(),
            // The account went away after its token was checked, and the session with it.
            ProfileError::NotFound => Code::SessionRevoked.into(),
            ProfileError::Store(error) => error.into(),
        }
    }
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::PasswordIncorrect => Code::PasswordIncorrect.into(),
            PasswordError::Rejected(rejected) => Fault::from(rejected).alone_at("new_password"),
            PasswordError::Check(error) => error.into(),
            PasswordError::Store(error) => error.into(),
        }
    }
}
