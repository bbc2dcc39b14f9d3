//! What is wrong for a client of the OAuth endpoints, and for one that logs users in.

use token_core::service::{
    ClientRefused, ClientTokenError, IntrospectError, RefreshError, ReloadError, RevokeError,
};
use token_core::store::StoreError;

use crate::oauth::OAuthError;
use crate::problem::{Code, Problem};

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        Problem::from(error).into()
    }
}

impl From<ReloadError> for OAuthError {
    fn from(error: ReloadError) -> Self {
        Problem::from(error).into()
    }
}

impl From<ClientRefused> for OAuthError {
    fn from(error: ClientRefused) -> Self {
        match error {
            ClientRefused::Invalid => Self::INVALID_CLIENT,
            ClientRefused::Throttled(wait) => Self::TOO_MANY_ATTEMPTS.retry_after(wait.0),
            ClientRefused::Store(error) => error.into(),
        }
    }
}

impl From<ClientRefused> for Problem {
    fn from(error: ClientRefused) -> Self {
        match error {
            ClientRefused::Invalid => Code::InvalidClient.into(),
            ClientRefused::Throttled(wait) => Self::of(Code::TooManyAttempts).retry_after(wait.0),
            ClientRefused::Store(error) => error.into(),
        }
    }
}

impl From<ClientTokenError> for Problem {
    fn from(error: ClientTokenError) -> Self {
        match error {
            ClientTokenError::InvalidScope => Code::InsufficientScope.into(),
            ClientTokenError::Gone => Code::InvalidClient.into(),
            ClientTokenError::Store(error) => error.into(),
        }
    }
}

impl From<ClientTokenError> for OAuthError {
    fn from(error: ClientTokenError) -> Self {
        match error {
            ClientTokenError::InvalidScope => Self::INVALID_SCOPE,
            ClientTokenError::Gone => Self::INVALID_CLIENT,
            ClientTokenError::Store(error) => error.into(),
        }
    }
}

impl From<RefreshError> for OAuthError {
    /// One answer for whatever is wrong with a token: the log knows more.
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Invalid
            | RefreshError::TokenExpired
            | RefreshError::Reused
            | RefreshError::StateLost
            | RefreshError::SessionEnded(_)
            | RefreshError::SessionExpired => Self::INVALID_GRANT,
            RefreshError::InvalidScope => Self::INVALID_SCOPE,
            RefreshError::Contended => Self::UNAVAILABLE,
            RefreshError::Keys(error) => error.into(),
            RefreshError::Store(error) => error.into(),
        }
    }
}

impl From<IntrospectError> for OAuthError {
    fn from(error: IntrospectError) -> Self {
        match error {
            IntrospectError::Keys(error) => error.into(),
            IntrospectError::Store(error) => error.into(),
        }
    }
}

impl From<RevokeError> for OAuthError {
    fn from(error: RevokeError) -> Self {
        match error {
            RevokeError::OtherClient => Self::INVALID_GRANT,
            RevokeError::Keys(error) => error.into(),
            RevokeError::Store(error) => error.into(),
        }
    }
}
