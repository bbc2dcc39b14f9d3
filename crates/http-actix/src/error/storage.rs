//! What is wrong inside.

use std::error::Error;

use token_core::service::ReloadError;
use token_core::store::StoreError;

use crate::cookies::CookieTooLarge;
use crate::problem::{Code, Problem};

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Unavailable(_) => Code::Unavailable,
            StoreError::Damaged(_) => Code::Internal,
        };
        log(&error);
        code.into()
    }
}

impl From<ReloadError> for Problem {
    fn from(error: ReloadError) -> Self {
        match error {
            ReloadError::Store(error) => error.into(),
            ReloadError::Running => Code::Unavailable.into(),
            ReloadError::Keys(error) => {
                log(&error);
                Code::Unavailable.into()
            }
        }
    }
}

impl From<CookieTooLarge> for Problem {
    fn from(error: CookieTooLarge) -> Self {
        log(&error);
        Code::Internal.into()
    }
}

/// Writes an error and all its causes on one line.
fn log(error: &dyn Error) {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    let mut texts: Vec<String> = causes.map(ToString::to_string).collect();
    // Some errors say what their cause says.
    texts.dedup();
    tracing::error!(error = texts.join(": "), "a request failed");
}
