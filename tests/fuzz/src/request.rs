//! Requests written as text: a line with method and path, header lines, an empty line, a body.

use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::test::TestRequest;
use serde_json::Value;

use crate::application::Answer;

/// What a secret in a request contains, so that an answer can be searched for it.
pub const MARK: &str = "S3CR3T";

/// The headers whose values are secrets.
const SECRET_HEADERS: [&str; 2] = ["authorization", "cookie"];

/// A request.
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub target: String,
    /// Names and values in their order.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// Reads it; `None` for what no HTTP parser would pass on.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let at = data.windows(2).position(|pair| pair == b"\n\n");
        let (head, body) = data.split_at(at.unwrap_or(data.len()));
        let mut lines = head.split(|byte| *byte == b'\n');
        let first = str::from_utf8(lines.next()?).ok()?;
        let (method, target) = first.split_once(' ')?;
        let is_target = |target: &str| {
            target.starts_with('/') && target.parse::<actix_web::http::Uri>().is_ok()
        };
        let headers = lines.map(|line| {
            let at = line.iter().position(|byte| *byte == b':')?;
            let (name, value) = line.split_at(at);
            let value = value.get(1..)?.trim_ascii();
            Some((
                HeaderName::from_bytes(name).ok()?,
                HeaderValue::from_bytes(value).ok()?,
            ))
        });
        Some(Self {
            method: Method::from_bytes(method.as_bytes()).ok()?,
            target: Some(target).filter(|target| is_target(target))?.to_owned(),
            headers: headers.collect::<Option<_>>()?,
            body: body.get(2..).unwrap_or_default().to_vec(),
        })
    }

    /// As actix takes it.
    pub fn to_test(&self) -> TestRequest {
        let request = TestRequest::with_uri(&self.target)
            .method(self.method.clone())
            .peer_addr(([127, 0, 0, 1], 40_000).into())
            .set_payload(self.body.clone());
        let headers = self.headers.iter().cloned();
        headers.fold(request, TestRequest::append_header)
    }

    /// Whether there is a mark, and only where secrets belong: in cookies, in the `Authorization`
    /// header, in the values of a JSON body and of a form.
    pub fn is_marked(&self) -> bool {
        let has = |bytes: &[u8]| {
            bytes
                .windows(MARK.len())
                .any(|part| part == MARK.as_bytes())
        };
        let is_secret = |name: &HeaderName| SECRET_HEADERS.contains(&name.as_str());
        let in_the_open = has(self.target.as_bytes())
            || has(self.method.as_str().as_bytes())
            || self
                .headers
                .iter()
                .any(|(name, value)| !is_secret(name) && has(value.as_bytes()))
            || has_in_names(&self.body);
        let hidden = self.headers.iter().any(|(_, value)| has(value.as_bytes())) || has(&self.body);
        hidden && !in_the_open
    }
}

/// Whether a member of a JSON body, however deep, has the mark in its name.
fn has_in_names(body: &[u8]) -> bool {
    fn any(value: &Value) -> bool {
        match value {
            Value::Object(members) => members
                .iter()
                .any(|(name, value)| name.contains(MARK) || any(value)),
            Value::Array(items) => items.iter().any(any),
            _ => false,
        }
    }
    serde_json::from_slice(body).is_ok_and(|value| any(&value))
}

impl Answer {
    /// A header that is there once.
    pub fn header(&self, name: &str) -> &str {
        let mut all = self.headers.get_all(name);
        let value = all
            .next()
            .and_then(|value| value.to_str().ok())
            .unwrap_or("");
        assert!(all.next().is_none(), "{name} is there twice");
        value
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a JSON body")
    }

    /// Fails where a part of a secret came back.
    pub fn assert_discreet(&self) {
        let head = format!("{:?}", self.headers);
        let body = String::from_utf8_lossy(&self.body);
        assert!(
            !head.contains(MARK) && !body.contains(MARK),
            "a secret came back"
        );
    }

    /// Fails where a refusal is no problem document (RFC 9457).
    pub fn assert_problem(&self) {
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        let document = self.json();
        assert_eq!(document["status"], self.status.as_u16());
        let has = |name: &str| document[name].as_str().is_some_and(|text| !text.is_empty());
        assert!(["type", "title", "detail", "code"].into_iter().all(has));
        assert!(
            self.body.len() < 8 * 1024,
            "an answer is small whatever was sent"
        );
    }
}
