//! What is wrong with a request about an account.

use token_core::service::{PasswordError, ProfileError, RegisterError};

use crate::problem::{Code, Problem};

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Closed => Code::RegistrationClosed.into(),
            RegisterError::UsernameTaken => Code::UsernameTaken.into(),
            RegisterError::EmailTaken => Code::EmailTaken.into(),
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
            PasswordError::Check(error) => error.into(),
            PasswordError::Store(error) => error.into(),
        }
    }
}
