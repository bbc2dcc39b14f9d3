//! Errors as OAuth writes them (RFC 6749 §5.2).

use std::fmt;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use crate::problem::{Code, Problem};

/// What the client is told.
#[derive(Debug, Clone, Copy)]
pub struct OAuthError {
    code: &'static str,
    status: StatusCode,
    description: &'static str,
    retry_after: Option<Duration>,
}

macro_rules! oauth_errors {
    ($($(#[$doc:meta])* $name:ident = $status:ident $code:literal $description:literal;)*) => {
        impl OAuthError {
            $($(#[$doc])* pub const $name: Self = Self {
                code: $code,
                status: StatusCode::$status,
                description: $description,
                retry_after: None,
            };)*
        }
    };
}

oauth_errors! {
    /// The body is of another type.
    NOT_A_FORM = BAD_REQUEST "invalid_request" "the body must be application/x-www-form-urlencoded";
    /// The body cannot be decoded.
    MALFORMED_FORM = BAD_REQUEST "invalid_request" "the body is not a form of UTF-8 text";
    /// A parameter comes twice, or there are too many.
    REPEATED_PARAMETER = BAD_REQUEST "invalid_request" "a parameter is repeated, or there are too many";
    /// A parameter is not there.
    MISSING_PARAMETER = BAD_REQUEST "invalid_request" "a required parameter is missing";
    /// The client proves who it is in two ways, or contradicts itself.
    TWO_CLIENTS = BAD_REQUEST "invalid_request" "the client must authenticate in one way";
    /// No client, or not the one it says.
    INVALID_CLIENT = UNAUTHORIZED "invalid_client" "the client is unknown or did not authenticate";
    /// This client may not do this.
    UNAUTHORIZED_CLIENT = BAD_REQUEST "unauthorized_client" "this client may not use this grant";
    /// The token is nothing that works here, for this client.
    INVALID_GRANT = BAD_REQUEST "invalid_grant" "the token is invalid, expired, ended or another client's";
    /// Not a scope, or more than there is.
    INVALID_SCOPE = BAD_REQUEST "invalid_scope" "the scope is malformed or exceeds what was granted";
    /// Another grant than those that there are.
    UNSUPPORTED_GRANT = BAD_REQUEST "unsupported_grant_type" "only refresh_token and client_credentials are supported";
    /// The answer cannot be had in that form.
    NO_SIGNED_FORM = NOT_ACCEPTABLE "invalid_request" "answers are signed only where tokens have asymmetric keys";
    /// Too many attempts.
    TOO_MANY_ATTEMPTS = TOO_MANY_REQUESTS "temporarily_unavailable" "too many attempts; try again later";
    /// Storage is out of reach.
    UNAVAILABLE = SERVICE_UNAVAILABLE "temporarily_unavailable" "try again shortly";
    /// Something is wrong here.
    INTERNAL = INTERNAL_SERVER_ERROR "server_error" "something went wrong here; it has been logged";
}

impl OAuthError {
    /// The same error, to be tried again after this long.
    #[must_use]
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The error's code.
    pub const fn code(&self) -> &'static str {
        self.code
    }
}

/// What is wrong with a body as such, and inside.
impl From<Problem> for OAuthError {
    fn from(problem: Problem) -> Self {
        let status = problem.code().status();
        let bad_body = |description| Self {
            code: "invalid_request",
            status,
            description,
            retry_after: None,
        };
        match problem.code() {
            Code::BodyTooLarge => bad_body("the body has more than 64 KiB"),
            Code::BodyTimeout => bad_body("the body took too long to arrive"),
            Code::IncompleteBody => bad_body("the body broke off"),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => Self::UNAVAILABLE,
            _ => Self::INTERNAL,
        }
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.description)
    }
}

impl std::error::Error for OAuthError {}

#[derive(Serialize)]
struct Document {
    error: &'static str,
    error_description: &'static str,
}

impl ResponseError for OAuthError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        match self.status {
            // RFC 6749 §5.2, RFC 7617 §2.
            StatusCode::UNAUTHORIZED => {
                let challenge = "Basic realm=\"renewd\", charset=\"UTF-8\"";
                response.insert_header((header::WWW_AUTHENTICATE, challenge));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                let wait = self.retry_after.map_or(1, |wait| wait.as_secs().max(1));
                response.insert_header((header::RETRY_AFTER, wait));
            }
            StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT => {
                response.force_close();
            }
            _ => {}
        }
        response.json(Document {
            error: self.code,
            error_description: self.description,
        })
    }
}
