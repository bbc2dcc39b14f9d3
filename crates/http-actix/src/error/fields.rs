//! What is wrong with one member of a request.

use token_core::password::PasswordRejected;
use token_core::session::UnknownTransport;
use token_core::user::{InvalidEmail, InvalidFullName, InvalidUsername};

use crate::problem::{FieldError, Problem};

/// A mistake, before it is known where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    code: &'static str,
    detail: String,
}

impl Fault {
    /// A mistake of that code.
    pub fn new(code: &'static str, detail: &str) -> Self {
        Self {
            code,
            detail: detail.to_owned(),
        }
    }

    /// The mistake at a member.
    pub fn at(self, field: &str) -> FieldError {
        FieldError {
            field: field.to_owned(),
            code: self.code,
            detail: self.detail,
        }
    }

    /// The mistake as the only one of a request.
    pub fn alone_at(self, field: &str) -> Problem {
        Problem::invalid(vec![self.at(field)])
    }
}

impl From<InvalidUsername> for Fault {
    fn from(error: InvalidUsername) -> Self {
        let code = match error {
            InvalidUsername::Empty => "empty",
            InvalidUsername::TooLong => "too_long",
            InvalidUsername::At => "at",
            InvalidUsername::Character => "character",
        };
        Self::new(code, &error.to_string())
    }
}

impl From<InvalidEmail> for Fault {
    fn from(error: InvalidEmail) -> Self {
        let code = match error {
            InvalidEmail::Form => "form",
            InvalidEmail::TooLong => "too_long",
            InvalidEmail::Character => "character",
        };
        Self::new(code, &error.to_string())
    }
}

impl From<InvalidFullName> for Fault {
    fn from(error: InvalidFullName) -> Self {
        let code = match error {
            InvalidFullName::Empty => "empty",
            InvalidFullName::TooLong => "too_long",
            InvalidFullName::Character => "character",
        };
        Self::new(code, &error.to_string())
    }
}

impl From<PasswordRejected> for Fault {
    fn from(error: PasswordRejected) -> Self {
        let code = match error {
            PasswordRejected::TooShort { .. } => "too_short",
            PasswordRejected::TooWeak { .. } => "too_weak",
        };
        Self::new(code, &error.to_string())
    }
}

impl From<UnknownTransport> for Fault {
    fn from(error: UnknownTransport) -> Self {
        Self::new("unknown_value", &error.to_string())
    }
}
