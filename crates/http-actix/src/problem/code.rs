//! The catalogue of problems.

use std::time::Duration;

use actix_web::http::StatusCode;

macro_rules! catalogue {
    ($($variant:ident = $status:ident $code:literal, $title:literal, $detail:literal;)*) => {
        /// Every problem there is. Codes are stable; texts may change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = concat!("`", $code, "`: ", $detail)] $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The status of the answer.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$variant => StatusCode::$status,)* }
            }

            /// What it is called, for people.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What it means, for people.
            pub const fn detail(self) -> &'static str {
                match self { $(Self::$variant => $detail,)* }
            }
        }
    };
}

catalogue! {
    MalformedJson = BAD_REQUEST "malformed_json", "Malformed JSON", "The body is not JSON.";
    IncompleteBody = BAD_REQUEST "incomplete_body", "Incomplete body", "The body broke off or was wrongly framed.";
    AmbiguousCredentials = BAD_REQUEST "ambiguous_credentials", "Ambiguous credentials", "The request carries credentials that differ; none was tried.";

    AccessTokenMissing = UNAUTHORIZED "access_token_missing", "Access token missing", "This needs an access token.";
    AccessTokenExpired = UNAUTHORIZED "access_token_expired", "Access token expired", "The access token has expired.";
    AccessTokenInvalid = UNAUTHORIZED "access_token_invalid", "Access token invalid", "This is not an access token for this service.";
    InvalidCredentials = UNAUTHORIZED "invalid_credentials", "Invalid credentials", "The name or the password is wrong.";
    InvalidClient = UNAUTHORIZED "invalid_client", "Invalid client", "The client is unknown or its secret is wrong.";
    RefreshTokenMissing = UNAUTHORIZED "refresh_token_missing", "Refresh token missing", "This needs a refresh token.";
    RefreshTokenInvalid = UNAUTHORIZED "refresh_token_invalid", "Refresh token invalid", "This is not a refresh token that works here.";
    RefreshTokenExpired = UNAUTHORIZED "refresh_token_expired", "Refresh token expired", "The refresh token has expired.";
    RefreshTokenReused = UNAUTHORIZED "refresh_token_reused", "Refresh token reused", "The refresh token was used before; its session has been ended.";
    SessionRevoked = UNAUTHORIZED "session_revoked", "Session revoked", "The session has been ended.";
    SessionExpired = UNAUTHORIZED "session_expired", "Session expired", "The session has expired.";

    RegistrationClosed = FORBIDDEN "registration_closed", "Registration closed", "Only administrators make accounts here.";
    UserRequired = FORBIDDEN "user_required", "User required", "The access token speaks for a client; this is for users.";
    PasswordIncorrect = FORBIDDEN "password_incorrect", "Password incorrect", "The current password is wrong.";
    CsrfRejected = FORBIDDEN "csrf_rejected", "Cross-site request rejected", "The request came from a page that may not make it.";

    NotFound = NOT_FOUND "not_found", "Not found", "There is nothing at this path.";
    SessionNotFound = NOT_FOUND "session_not_found", "Session not found", "There is no such session of yours.";
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed", "Method not allowed", "The path exists, but not for this method.";
    BodyTimeout = REQUEST_TIMEOUT "body_timeout", "Body timeout", "The body took too long to arrive.";
    UsernameTaken = CONFLICT "username_taken", "User name taken", "The user name is taken.";
    EmailTaken = CONFLICT "email_taken", "E-mail address taken", "The e-mail address is taken.";
    BodyTooLarge = PAYLOAD_TOO_LARGE "body_too_large", "Body too large", "The body has more than 64 KiB.";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type", "Unsupported media type", "The body must be application/json.";
    ValidationFailed = UNPROCESSABLE_ENTITY "validation_failed", "Validation failed", "Members of the request are missing, unknown or wrong.";
    TooManyAttempts = TOO_MANY_REQUESTS "too_many_attempts", "Too many attempts", "There were too many attempts; try again later.";

    Internal = INTERNAL_SERVER_ERROR "internal_error", "Internal error", "Something went wrong here; it has been logged.";
    Overloaded = SERVICE_UNAVAILABLE "overloaded", "Overloaded", "Too many passwords are being checked; try again shortly.";
    Unavailable = SERVICE_UNAVAILABLE "unavailable", "Unavailable", "The service cannot reach its storage; try again shortly.";
    RevocationUnknown = SERVICE_UNAVAILABLE "revocation_unknown", "Revocation unknown", "Whether the session has ended cannot be told; try again shortly.";
    NotReady = SERVICE_UNAVAILABLE "not_ready", "Not ready", "The service is not ready.";
}

impl Code {
    /// The `WWW-Authenticate` header, where there is one (RFC 6750 §3). It has an error only
    /// where a token was sent.
    pub(super) fn challenge(self) -> Option<String> {
        if self == Self::InvalidClient {
            return Some("Basic realm=\"renewd\", charset=\"UTF-8\"".to_owned());
        }
        let error = match self {
            Self::AccessTokenMissing | Self::RefreshTokenMissing | Self::InvalidCredentials => "",
            Self::AmbiguousCredentials => "invalid_request",
            other if other.status() == StatusCode::UNAUTHORIZED => "invalid_token",
            _ => return None,
        };
        let realm = "Bearer realm=\"renewd\"";
        Some(if error.is_empty() {
            realm.to_owned()
        } else {
            let detail = self.detail();
            format!("{realm}, error=\"{error}\", error_description=\"{detail}\"")
        })
    }

    /// How long to wait where the code alone knows it.
    pub(super) const fn retry_after(self) -> Option<Duration> {
        match self.status() {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                Some(Duration::from_secs(1))
            }
            _ => None,
        }
    }

    /// Whether the rest of the request is not worth waiting for.
    pub(super) const fn closes_connection(self) -> bool {
        matches!(
            self,
            Self::BodyTimeout | Self::BodyTooLarge | Self::IncompleteBody
        )
    }
}
