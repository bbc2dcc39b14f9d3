//! What is asked of an issuer over HTTP: with TLS unless told otherwise, no redirect followed, time
//! and bytes bounded.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use token_core::jwks::FetchError;
use token_core::key::MAX_JWKS_BYTES;
use ureq::Agent;
use ureq::config::AutoHeaderValue;
use ureq::http::{HeaderMap, Response};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};

use super::RemoteError;

/// How long a document may take, from the name's resolution to its last byte.
const DOCUMENT_TIME: Duration = Duration::from_secs(5);
/// The same, for the head of an endless answer.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// How long an endless answer may say nothing: several of its heartbeats.
const SILENCE: Duration = Duration::from_secs(5);
const USER_AGENT: &str = concat!("renewd-client/", env!("CARGO_PKG_VERSION"));

/// An HTTP client for one issuer.
pub(super) struct Http(Agent);

/// A document that was fetched.
pub(super) struct Document {
    pub(super) text: String,
    pub(super) max_age: Option<Duration>,
}

/// An answer that does not end.
pub(super) type Stream = Box<dyn Read + Send>;

impl Http {
    pub(super) fn new(pems: &[Vec<u8>], plain_http: bool) -> Result<Self, RemoteError> {
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let tls = TlsConfig::builder()
            .unversioned_rustls_crypto_provider(Arc::new(provider))
            .root_certs(roots(pems, plain_http)?)
            .build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .https_only(!plain_http)
            // Where a redirect leads is not where the operator said that keys are.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_global(Some(DOCUMENT_TIME))
            .user_agent(USER_AGENT)
            .accept(AutoHeaderValue::None)
            .build();
        Ok(Self(config.new_agent()))
    }

    /// A JSON document.
    pub(super) fn document(&self, url: &str) -> Result<Document, FetchError> {
        let failed = |error: ureq::Error| FetchError::new(format!("{url}: {error}"));
        let request = self
            .0
            .get(url)
            .header(header::ACCEPT.as_str(), "application/json");
        let answer = request.call().map_err(failed)?;
        expect_ok(url, &answer)?;
        let max_age = max_age(answer.headers());
        let body = answer.into_body().into_with_config();
        let limit = u64::try_from(MAX_JWKS_BYTES).unwrap_or(u64::MAX);
        let bytes = body.limit(limit).read_to_vec().map_err(failed)?;
        let text = String::from_utf8(bytes)
            .map_err(|_| FetchError::new(format!("{url}: the answer is not UTF-8")))?;
        Ok(Document { text, max_age })
    }

    /// An event stream, from after the event of that id.
    pub(super) fn event_stream(
        &self,
        url: &str,
        authorization: &str,
        last_event_id: &str,
    ) -> Result<Stream, FetchError> {
        let mut request = self
            .0
            .get(url)
            .header(header::ACCEPT.as_str(), "text/event-stream")
            .header(header::CACHE_CONTROL.as_str(), "no-store")
            .header(header::AUTHORIZATION.as_str(), authorization);
        if !last_event_id.is_empty() {
            request = request.header("last-event-id", last_event_id);
        }
        let request = request
            .config()
            .timeout_global(None)
            .timeout_connect(Some(ANSWER_TIME))
            .timeout_recv_response(Some(ANSWER_TIME))
            .timeout_per_read(Some(SILENCE))
            .build();
        let answer = request
            .call()
            .map_err(|error| FetchError::new(format!("{url}: {error}")))?;
        expect_ok(url, &answer)?;
        if answer.body().mime_type() != Some("text/event-stream") {
            return Err(FetchError::new(format!("{url}: not an event stream")));
        }
        Ok(Box::new(answer.into_body().into_reader()))
    }
}

fn expect_ok<T>(url: &str, answer: &Response<T>) -> Result<(), FetchError> {
    match answer.status().as_u16() {
        200 => Ok(()),
        status => Err(FetchError::new(format!("{url}: status {status}"))),
    }
}

/// The system's root certificates and the given ones.
fn roots(pems: &[Vec<u8>], plain_http: bool) -> Result<RootCerts, RemoteError> {
    let mut roots: Vec<Certificate<'static>> = rustls_native_certs::load_native_certs()
        .certs
        .iter()
        .map(|der| Certificate::from_der(der).to_owned())
        .collect();
    for pem in pems {
        let before = roots.len();
        for item in parse_pem(pem) {
            match item {
                Ok(PemItem::Certificate(certificate)) => roots.push(certificate),
                Ok(_) => {}
                Err(error) => return Err(RemoteError::Certificate(error.to_string())),
            }
        }
        if roots.len() == before {
            return Err(RemoteError::Certificate("there is none in it".to_owned()));
        }
    }
    if roots.is_empty() && !plain_http {
        return Err(RemoteError::NoRootCertificates);
    }
    Ok(roots.into())
}

/// How much longer an answer may be kept (RFC 9111 §4.2): what was said less what has passed in
/// caches on the way.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get_all(header::CACHE_CONTROL.as_str());
    let directives = text
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|directive| directive.trim().to_ascii_lowercase());
    let mut found = None;
    for directive in directives {
        match directive.split_once('=') {
            Some(("max-age", seconds)) => found = seconds.trim_matches('"').parse().ok(),
            None if directive == "no-store" || directive == "no-cache" => {
                return Some(Duration::ZERO);
            }
            Some(_) | None => {}
        }
    }
    let age = headers
        .get(header::AGE.as_str())
        .and_then(|age| age.to_str().ok()?.parse().ok())
        .unwrap_or(0);
    found.map(|seconds: u64| Duration::from_secs(seconds.saturating_sub(age)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age(pairs: &[(&'static str, &'static str)]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        max_age(&headers).map(|age| age.as_secs())
    }

    #[test]
    fn cache_headers_are_read() {
        const CONTROL: &str = "cache-control";
        for (pairs, expected) in [
            (&[][..], None),
            (&[(CONTROL, "public, max-age=300")], Some(300)),
            (&[(CONTROL, "Max-Age=\"300\"")], Some(300)),
            (&[(CONTROL, "public"), (CONTROL, "max-age=7")], Some(7)),
            (&[(CONTROL, "max-age=300"), ("age", "100")], Some(200)),
            (&[(CONTROL, "max-age=300"), ("age", "1000")], Some(0)),
            (&[(CONTROL, "max-age=300"), ("age", "soon")], Some(300)),
            (&[(CONTROL, "no-cache, max-age=300")], Some(0)),
            (&[(CONTROL, "max-age=300, no-store")], Some(0)),
            (&[(CONTROL, "max-age=-1")], None),
            (&[(CONTROL, "s-maxage=300")], None),
        ] {
            assert_eq!(age(pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn a_root_certificate_is_a_certificate() {
        for bad in ["", "-----BEGIN CERTIFICATE-----\nAA", "nothing"] {
            let roots = roots(&[bad.as_bytes().to_vec()], true);
            assert!(matches!(roots, Err(RemoteError::Certificate(_))), "{bad}");
        }
    }
}
