//! Bodies that are forms, read strictly: of the right type, bounded, each parameter once.

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use percent_encoding::percent_decode;

use super::OAuthError;
use crate::extract::body;

/// The most parameters that are looked at: several times what any request has.
const MOST: usize = 64;

/// The parameters of a form (RFC 6749 §3.2, appendix B).
#[derive(Debug, Default)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the text of a body. A parameter that comes twice is an error, one without a value is
    /// as good as not there, and one that nobody asks for is ignored (RFC 6749 §3.2).
    fn parse(body: &[u8]) -> Result<Self, OAuthError> {
        let mut parameters = Vec::new();
        for pair in body.split(|byte| *byte == b'&').filter(|p| !p.is_empty()) {
            let at = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = pair.split_at(at.unwrap_or(pair.len()));
            let name = decode(name).ok_or(OAuthError::MALFORMED_FORM)?;
            let value = decode(value.get(1..).unwrap_or_default());
            let value = value.ok_or(OAuthError::MALFORMED_FORM)?;
            if parameters.len() == MOST || parameters.iter().any(|(known, _)| *known == name) {
                return Err(OAuthError::REPEATED_PARAMETER);
            }
            parameters.push((name, value));
        }
        parameters.retain(|(_, value)| !value.is_empty());
        Ok(Self(parameters))
    }

    /// The value of a parameter that may be there.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that must be there.
    pub fn required(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name).ok_or(OAuthError::MISSING_PARAMETER)
    }
}

/// Decodes one name or value of a form: `+` is a space, and what is decoded is UTF-8.
pub(super) fn decode(text: &[u8]) -> Option<String> {
    let spaced: Vec<u8> = text
        .iter()
        .map(|byte| if *byte == b'+' { b' ' } else { *byte })
        .collect();
    let decoded = percent_decode(&spaced).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

impl FromRequest for Form {
    type Error = OAuthError;
    type Future = LocalBoxFuture<'static, Result<Self, OAuthError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let bytes = body::read(payload).await?;
            let types = request.headers().get_all(header::CONTENT_TYPE).count();
            let is_form = request
                .content_type()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded");
            if types != 1 || !is_form {
                return Err(OAuthError::NOT_A_FORM);
            }
            Self::parse(&bytes)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(body: &str, name: &str) -> Option<String> {
        let form = Form::parse(body.as_bytes()).unwrap();
        form.get(name).map(str::to_owned)
    }

    #[test]
    fn forms_are_decoded() {
        let body = "a=1&b=x+y%2B%C3%BC&c=&d&=e&&a%2Db=2&t=x=y";
        for (name, expected) in [
            ("a", Some("1")),
            ("b", Some("x y+ü")),
            ("c", None),
            ("d", None),
            ("a-b", Some("2")),
            ("t", Some("x=y")),
            ("z", None),
        ] {
            assert_eq!(value(body, name).as_deref(), expected, "{name}");
        }
    }

    /// RFC 6749 §3.2: a parameter comes once, however it is written, with a value or without.
    #[test]
    fn repeated_parameters_are_refused() {
        for body in ["a=1&a=1", "a=1&%61=2", "a=&a=", "a&a"] {
            assert!(Form::parse(body.as_bytes()).is_err(), "{body}");
        }
        let many: Vec<_> = (0..65).map(|n| format!("p{n}=1")).collect();
        assert!(Form::parse(many.join("&").as_bytes()).is_err());
        assert!(Form::parse(many[1..].join("&").as_bytes()).is_ok());
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for body in [&b"a=%ff"[..], b"a=\xff", b"%c3=1", b"a=%c3%28"] {
            assert!(Form::parse(body).is_err(), "{body:?}");
        }
        assert_eq!(value("a=%zz%", "a").as_deref(), Some("%zz%"));
    }
}
