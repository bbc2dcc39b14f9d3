//! What an answer says when something is wrong: a problem document (RFC 9457) with a stable code.

mod code;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::cookie::Cookie;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

pub use code::Code;

/// The media type of problem documents.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem: what the client is told. Causes inside are logged where they are mapped to a
/// problem, and are not part of it.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<FieldError>,
    retry_after: Option<Duration>,
    cookies: Vec<Cookie<'static>>,
}

/// What is wrong with one member of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The member's name.
    pub field: String,
    /// What is wrong, for programs.
    pub code: &'static str,
    /// What is wrong, for people.
    pub detail: String,
}

impl Problem {
    /// The problem of that code, with the text that the catalogue has for it.
    pub const fn of(code: Code) -> Self {
        Self {
            code,
            detail: Cow::Borrowed(code.detail()),
            errors: Vec::new(),
            retry_after: code.retry_after(),
            cookies: Vec::new(),
        }
    }

    /// Members of the request are wrong.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        Self {
            errors,
            ..Self::of(Code::ValidationFailed)
        }
    }

    /// The same problem, to be tried again after this long.
    #[must_use]
    pub const fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same problem, whose answer sets these cookies.
    #[must_use]
    pub fn with_cookies(mut self, cookies: impl IntoIterator<Item = Cookie<'static>>) -> Self {
        self.cookies.extend(cookies);
        self
    }

    /// Which problem it is.
    pub const fn code(&self) -> Code {
        self.code
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::of(code)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl std::error::Error for Problem {}

/// The document as it is written.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    code: &'static str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let code = self.code;
        let mut response = HttpResponse::build(code.status());
        response.insert_header((header::CONTENT_TYPE, MEDIA_TYPE));
        // What is wrong may be somebody's secret, or be put right a moment later.
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if let Some(challenge) = code.challenge() {
            response.insert_header((header::WWW_AUTHENTICATE, challenge));
        }
        if let Some(wait) = self.retry_after {
            // Rounded up: who waits this long must not come too early.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.insert_header((header::RETRY_AFTER, seconds.max(1)));
        }
        if code.closes_connection() {
            response.force_close();
        }
        for cookie in &self.cookies {
            response.cookie(cookie.clone());
        }
        let document = Document {
            r#type: format!("urn:renewd:problem:{}", code.as_str()),
            title: code.title(),
            status: code.status().as_u16(),
            detail: &self.detail,
            code: code.as_str(),
            errors: &self.errors,
        };
        // Strings and numbers always serialize.
        response.body(serde_json::to_vec(&document).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;

    use super::*;

    async fn written(problem: Problem) -> String {
        let response = problem.error_response();
        let mut lines = vec![response.status().as_u16().to_string()];
        let mut headers: Vec<String> = response
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        headers.sort();
        lines.extend(headers);
        let body = to_bytes(response.into_body()).await.unwrap();
        lines.push(String::from_utf8(body.to_vec()).unwrap());
        lines.join("\n")
    }

    /// S123: exactly the members of RFC 9457 and ours.
    #[actix_web::test]
    async fn a_document_is_written() {
        insta::assert_snapshot!(written(Code::NotFound.into()).await, @r#"
        404
        cache-control: no-store
        content-type: application/problem+json
        {"type":"urn:renewd:problem:not_found","title":"Not found","status":404,"detail":"There is nothing at this path.","code":"not_found"}
        "#);
        let errors = vec![FieldError {
            field: "username".to_owned(),
            code: "missing",
            detail: "is missing".to_owned(),
        }];
        insta::assert_snapshot!(written(Problem::invalid(errors)).await, @r#"
        422
        cache-control: no-store
        content-type: application/problem+json
        {"type":"urn:renewd:problem:validation_failed","title":"Validation failed","status":422,"detail":"Members of the request are missing, unknown or wrong.","code":"validation_failed","errors":[{"field":"username","code":"missing","detail":"is missing"}]}
        "#);
    }

    /// S122: RFC 6750 §3: no error where no token was sent.
    #[actix_web::test]
    async fn a_401_challenges() {
        insta::assert_snapshot!(written(Code::AccessTokenMissing.into()).await, @r#"
        401
        cache-control: no-store
        content-type: application/problem+json
        www-authenticate: Bearer realm="renewd"
        {"type":"urn:renewd:problem:access_token_missing","title":"Access token missing","status":401,"detail":"This needs an access token.","code":"access_token_missing"}
        "#);
        insta::assert_snapshot!(written(Code::AccessTokenExpired.into()).await, @r#"
        401
        cache-control: no-store
        content-type: application/problem+json
        www-authenticate: Bearer realm="renewd", error="invalid_token", error_description="The access token has expired."
        {"type":"urn:renewd:problem:access_token_expired","title":"Access token expired","status":401,"detail":"The access token has expired.","code":"access_token_expired"}
        "#);
    }

    #[actix_web::test]
    async fn waits_are_whole_seconds_rounded_up() {
        for (wait, told) in [
            (0, "1"),
            (1, "1"),
            (1_000, "1"),
            (1_001, "2"),
            (90_000, "90"),
        ] {
            let problem =
                Problem::of(Code::TooManyAttempts).retry_after(Duration::from_millis(wait));
            let response = problem.error_response();
            assert_eq!(response.headers().get(header::RETRY_AFTER).unwrap(), told);
        }
        let busy = Problem::of(Code::Overloaded).error_response();
        assert!(busy.headers().contains_key(header::RETRY_AFTER));
    }

    /// S123: every code is told apart, and says something.
    #[test]
    fn the_catalogue_is_sound() {
        for (at, code) in Code::ALL.iter().enumerate() {
            assert!(!Code::ALL[..at].iter().any(|c| c.as_str() == code.as_str()));
            assert!(code.detail().ends_with('.'), "{code:?}");
            let status = code.status();
            assert!(status.is_client_error() || status.is_server_error());
            // RFC 6750 §3: of every 401; §3.1: of a request or a scope that is at fault too.
            assert!(status != 401 || code.challenge().is_some(), "{code:?}");
            let challenged = matches!(status.as_u16(), 400 | 401 | 403);
            assert!(challenged || code.challenge().is_none(), "{code:?}");
            assert_eq!(
                matches!(status.as_u16(), 429 | 503),
                code.retry_after().is_some()
            );
            assert!(code.challenge().unwrap_or_default().is_ascii());
        }
    }
}
