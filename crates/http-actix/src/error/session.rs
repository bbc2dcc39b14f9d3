//! What is wrong with a token, a login or a session.

use token_core::service::{
    AccessRefused, LoginError, LogoutError, OwnSessionError, RefreshError, StateError,
};

use crate::problem::{Code, Problem};
use crate::protect::refusal;

impl From<AccessRefused> for Problem {
    fn from(error: AccessRefused) -> Self {
        match error {
            AccessRefused::Expired => Code::AccessTokenExpired,
            AccessRefused::Invalid(error) => refusal(error),
            AccessRefused::SessionEnded => Code::SessionRevoked,
            AccessRefused::Unknown => Code::RevocationUnknown,
        }
        .into()
    }
}

impl From<StateError> for Problem {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Refused(error) => error.into(),
            StateError::NotAUser => Code::UserRequired.into(),
            StateError::Store(error) => error.into(),
        }
    }
}

impl From<LoginError> for Problem {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::InvalidCredentials => Code::InvalidCredentials.into(),
            LoginError::Throttled(wait) => Self::of(Code::TooManyAttempts).retry_after(wait.0),
            LoginError::Busy(_) => Code::Overloaded.into(),
            LoginError::Store(error) => error.into(),
        }
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            // Nobody is asked for a scope where the answer is a problem document.
            RefreshError::Invalid | RefreshError::InvalidScope => Code::RefreshTokenInvalid.into(),
            RefreshError::TokenExpired => Code::RefreshTokenExpired.into(),
            RefreshError::Reused => Code::RefreshTokenReused.into(),
            // Why it ended is nobody's business but the log's.
            RefreshError::SessionEnded(_) => Code::SessionRevoked.into(),
            RefreshError::SessionExpired => Code::SessionExpired.into(),
            RefreshError::Contended => Code::Unavailable.into(),
            RefreshError::Keys(error) => error.into(),
            RefreshError::Store(error) => error.into(),
        }
    }
}

impl From<LogoutError> for Problem {
    fn from(error: LogoutError) -> Self {
        match error {
            LogoutError::NoToken => Code::AccessTokenInvalid.into(),
            LogoutError::NotAUser => Code::UserRequired.into(),
            LogoutError::Store(error) => error.into(),
        }
    }
}

impl From<OwnSessionError> for Problem {
    fn from(error: OwnSessionError) -> Self {
        match error {
            OwnSessionError::NotFound => Code::SessionNotFound.into(),
            OwnSessionError::Store(error) => error.into(),
        }
    }
}
