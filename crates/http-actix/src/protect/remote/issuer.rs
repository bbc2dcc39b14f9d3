//! Where an issuer's keys are: looked up in its metadata, and fetched from there.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use actix_web::http::Uri;
use futures_channel::oneshot;
use serde_json::Value;
use token_core::encoding::unique_json_object;
use token_core::jwks::{FetchError, FetchedJwks, JwksFetch};
use token_core::store::BoxFuture;

use super::RemoteError;
use super::http::Http;

/// RFC 8414 §3.
const WELL_KNOWN: &str = "/.well-known/oauth-authorization-server";

/// An issuer identifier (RFC 8414 §2): a URL without query and fragment.
#[derive(Clone)]
pub(super) struct Issuer {
    text: String,
    /// Scheme and authority.
    origin: String,
    /// Empty, or begins with a slash and does not end with one.
    path: String,
    plain_http: bool,
}

impl Issuer {
    pub(super) fn parse(text: &str, plain_http: bool) -> Result<Self, RemoteError> {
        let uri = parse(text, plain_http)?;
        let refuse = |why| RemoteError::Url {
            url: text.to_owned(),
            why,
        };
        if text.contains(['?', '#']) {
            return Err(refuse("must have no query and no fragment"));
        }
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(refuse("is not an absolute URL"));
        };
        Ok(Self {
            text: text.to_owned(),
            origin: format!("{scheme}://{authority}"),
            path: uri.path().trim_end_matches('/').to_owned(),
            plain_http,
        })
    }

    /// A path of the service behind the issuer.
    pub(super) fn below(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.path)
    }

    /// The well-known part comes before the issuer's own path (RFC 8414 §3.1).
    fn metadata_url(&self) -> String {
        format!("{}{WELL_KNOWN}{}", self.origin, self.path)
    }

    /// Reads where the keys are, from metadata that are this issuer's own: the two names must be
    /// identical, or one issuer could speak for another (RFC 8414 §3.3).
    fn jwks_uri(&self, metadata: &str) -> Result<String, &'static str> {
        let members = unique_json_object(metadata.as_bytes()).ok_or("not a JSON object")?;
        let text = |name| members.get(name).and_then(Value::as_str);
        if text("issuer") != Some(&self.text) {
            return Err("the metadata are of another issuer");
        }
        let uri = text("jwks_uri").ok_or("the metadata have no `jwks_uri`")?;
        match parse(uri, self.plain_http) {
            Ok(_) => Ok(uri.to_owned()),
            Err(_) => Err("the metadata's `jwks_uri` cannot be used"),
        }
    }
}

/// An absolute URL of a scheme that may be used, without credentials in it.
fn parse(text: &str, plain_http: bool) -> Result<Uri, RemoteError> {
    let refuse = |why| RemoteError::Url {
        url: text.to_owned(),
        why,
    };
    let uri: Uri = text.parse().map_err(|_| refuse("is not a URL"))?;
    match uri.scheme_str() {
        Some("https") => {}
        Some("http") if plain_http => {}
        Some("http") => return Err(refuse("must be https, unless plain http is allowed")),
        Some(_) | None => return Err(refuse("is not an https URL")),
    }
    match uri.authority() {
        Some(authority) if !authority.host().is_empty() && !authority.as_str().contains('@') => {
            Ok(uri)
        }
        Some(_) | None => Err(refuse("must have a host and no credentials")),
    }
}

/// Fetches the keys of an issuer.
pub(super) struct KeySource(Arc<Source>);

struct Source {
    http: Arc<Http>,
    issuer: Issuer,
    /// Where the keys are, if that was given.
    given: Option<String>,
    /// Where they are as the metadata say; looked up again when nothing good comes from there.
    found: Mutex<Option<String>>,
}

impl KeySource {
    pub(super) fn new(
        http: Arc<Http>,
        issuer: Issuer,
        jwks_uri: Option<&str>,
    ) -> Result<Self, RemoteError> {
        if let Some(uri) = jwks_uri {
            parse(uri, issuer.plain_http)?;
        }
        Ok(Self(Arc::new(Source {
            http,
            issuer,
            given: jwks_uri.map(str::to_owned),
            found: Mutex::default(),
        })))
    }
}

impl JwksFetch for KeySource {
    /// On a thread of its own, since it blocks; there is one fetch every few minutes.
    fn fetch(&self) -> BoxFuture<'_, Result<FetchedJwks, FetchError>> {
        let source = Arc::clone(&self.0);
        let (answer, answered) = oneshot::channel();
        let thread = thread::Builder::new().name("renewd-fetch".to_owned());
        let spawned = thread.spawn(move || {
            // Nobody waits any more if this cannot be sent.
            let _ = answer.send(source.fetch());
        });
        Box::pin(async move {
            spawned.map_err(|error| FetchError::new(format!("no thread: {error}")))?;
            answered
                .await
                .unwrap_or_else(|_| Err(FetchError::new("the fetch broke off")))
        })
    }
}

impl Source {
    fn fetch(&self) -> Result<FetchedJwks, FetchError> {
        let url = match &self.given {
            Some(url) => url.clone(),
            None => self.find()?,
        };
        let fetched = self.http.document(&url);
        if fetched.is_err() {
            *self.found.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        fetched.map(|document| FetchedJwks {
            document: document.text,
            max_age: document.max_age,
        })
    }

    fn find(&self) -> Result<String, FetchError> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(url) = &*found {
            return Ok(url.clone());
        }
        drop(found);
        let at = self.issuer.metadata_url();
        let metadata = self.http.document(&at)?;
        let url = self
            .issuer
            .jwks_uri(&metadata.text)
            .map_err(|why| FetchError::new(format!("{at}: {why}")))?;
        *self.found.lock().unwrap_or_else(PoisonError::into_inner) = Some(url.clone());
        Ok(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(text: &str) -> Issuer {
        Issuer::parse(text, false).ok().unwrap()
    }

    #[test]
    fn metadata_are_where_rfc_8414_says() {
        for (text, url) in [
            (
                "https://a.example",
                "https://a.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://a.example/",
                "https://a.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://a.example:8443/one/two",
                "https://a.example:8443/.well-known/oauth-authorization-server/one/two",
            ),
        ] {
            assert_eq!(issuer(text).metadata_url(), url);
        }
        let below = issuer("https://a.example/one/").below("/v1/revocations");
        assert_eq!(below, "https://a.example/one/v1/revocations");
    }

    #[test]
    fn issuers_are_plain_https_urls() {
        for bad in [
            "",
            "a.example",
            "/path",
            "http://a.example",
            "ftp://a.example",
            "file:///etc/passwd",
            "https://",
            "https://user@a.example",
            "https://user:pw@a.example",
            "https://a.example?x=1",
            "https://a.example/#x",
            "https://a example",
        ] {
            assert!(Issuer::parse(bad, false).is_err(), "{bad}");
        }
        assert!(Issuer::parse("http://localhost:8080", true).is_ok());
        assert!(Issuer::parse("ftp://localhost", true).is_err());
    }

    /// S38: the issuer is compared exactly, and keys come from places of the same kind.
    #[test]
    fn only_an_issuers_own_metadata_count() {
        let issuer = issuer("https://a.example");
        let keys = "https://keys.example/jwks.json";
        let read = |issuer_said: &str, uri: &str| {
            let metadata = serde_json::json!({"issuer": issuer_said, "jwks_uri": uri, "x": 1});
            issuer.jwks_uri(&metadata.to_string()).ok()
        };
        assert_eq!(read("https://a.example", keys).as_deref(), Some(keys));
        for other in [
            "https://a.example/",
            "https://A.example",
            "https://a.example:443",
            "http://a.example",
            "",
        ] {
            assert_eq!(read(other, keys), None, "{other}");
        }
        for uri in [
            "http://keys.example/jwks.json",
            "jwks.json",
            "",
            "file:///etc/passwd",
        ] {
            assert_eq!(read("https://a.example", uri), None, "{uri}");
        }
        for bad in [
            "",
            "[]",
            r#"{"issuer":"https://a.example"}"#,
            r#"{"issuer":"https://a.example","jwks_uri":7}"#,
            r#"{"issuer":["https://a.example"],"jwks_uri":"https://k.example"}"#,
            r#"{"issuer":"https://b.example","issuer":"https://a.example","jwks_uri":"https://k.example"}"#,
        ] {
            assert!(issuer.jwks_uri(bad).is_err(), "{bad}");
        }
    }
}
