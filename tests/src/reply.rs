//! A request that is being built, and what came back.

use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Method, Request};

use crate::clock::PATIENCE;
use crate::server::Address;

/// A request.
#[derive(Debug, Clone)]
#[must_use]
pub struct Call {
    address: Address,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Call {
    /// A request without headers and body.
    pub fn new(address: Address, method: &str, path: &str) -> Self {
        let method = method.parse().expect("a method");
        Self {
            address,
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// Adds a header; a second one of the same name stays beside the first.
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Adds `Authorization: Bearer`.
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Adds one `Cookie` header with one cookie.
    pub fn cookie(self, name: &str, value: &str) -> Self {
        self.header("cookie", format!("{name}={value}"))
    }

    /// Sets a JSON body.
    #[expect(clippy::needless_pass_by_value, reason = "json!() is written in place")]
    pub fn json(self, body: Value) -> Self {
        self.body("application/json", body.to_string())
    }

    /// Sets any body.
    pub fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self.header("content-type", content_type)
    }

    /// Sets a body that says nothing of its type.
    pub fn untyped_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sends it.
    ///
    /// # Panics
    /// Where no complete answer comes.
    pub fn send(self) -> Reply {
        let what = format!("{} {}", self.method, self.path);
        self.try_send()
            .unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Sends it to a server that may be dying.
    ///
    /// # Errors
    /// Where no complete answer comes.
    pub fn try_send(self) -> Result<Reply, ureq::Error> {
        let address = *self.address.read().expect("address");
        // A server that is down refuses connections; port 9 does so as well.
        let authority = address.map_or_else(|| "127.0.0.1:9".to_owned(), |at| at.to_string());
        let mut request = Request::builder()
            .method(self.method)
            .uri(format!("http://{authority}{}", self.path));
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let mut response = match self.body {
            Some(body) => agent().run(request.body(body).map_err(ureq::Error::from)?)?,
            None => agent().run(request.body(()).map_err(ureq::Error::from)?)?,
        };
        Ok(Reply {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            bytes: response.body_mut().read_to_vec()?,
        })
    }
}

/// A new connection for every request: none is left over from before a restart.
fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_idle_connections(0)
        .allow_non_standard_methods(true)
        .timeout_global(Some(2 * PATIENCE))
        .build()
        .into()
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub bytes: Vec<u8>,
}

impl Reply {
    /// The value of a header, `None` where it is missing.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("a header of ASCII"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes)
            .unwrap_or_else(|error| panic!("{error} in {} {:?}", self.status, self.text()))
    }

    /// A string member of the body.
    pub fn string(&self, member: &str) -> String {
        let body = self.json();
        let value = body
            .get(member)
            .unwrap_or_else(|| panic!("no {member} in {body}"));
        value
            .as_str()
            .unwrap_or_else(|| panic!("{member} is {value}"))
            .to_owned()
    }

    /// The `code` of a problem document; empty where the answer is none.
    pub fn code(&self) -> String {
        serde_json::from_slice::<Value>(&self.bytes)
            .ok()
            .and_then(|body| body.get("code")?.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// The answer itself, where it has this status.
    ///
    /// # Panics
    /// Where it has another one.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(
            self.status,
            status,
            "the answer was {:?} {}",
            self.headers,
            self.text()
        );
        self
    }

    /// The answer itself, where it is a whole problem document (RFC 9457) with
    /// this status and code.
    ///
    /// # Panics
    /// Where it is not.
    #[track_caller]
    pub fn problem(self, status: u16, code: &str) -> Self {
        assert_eq!(
            (self.status, self.code().as_str()),
            (status, code),
            "{}",
            self.text()
        );
        self.any_problem()
    }

    /// The answer itself, where it is a whole problem document.
    ///
    /// # Panics
    /// Where it is not.
    #[track_caller]
    pub fn any_problem(self) -> Self {
        let told = self.header("content-type").unwrap_or_default();
        assert!(
            told.starts_with("application/problem+json"),
            "{told}: {}",
            self.text()
        );
        let body = self.json();
        assert_eq!(body["status"], self.status, "{body}");
        for member in ["type", "title", "code"] {
            assert!(
                body[member].as_str().is_some_and(|text| !text.is_empty()),
                "{member}: {body}"
            );
        }
        assert!(body["detail"].is_string(), "detail: {body}");
        assert!(
            self.header("x-request-id").is_some_and(|id| !id.is_empty()),
            "x-request-id"
        );
        if self.status == 401 {
            let challenge = self.header("www-authenticate").unwrap_or_default();
            assert!(
                challenge.starts_with("Bearer"),
                "WWW-Authenticate: {challenge:?}"
            );
        }
        self
    }

    /// The cookies that the answer sets, in order.
    pub fn set_cookies(&self) -> Vec<SetCookie> {
        self.headers
            .get_all("set-cookie")
            .iter()
            .map(|value| SetCookie::parse(value.to_str().expect("a cookie of ASCII")))
            .collect()
    }

    /// The one cookie of this name that the answer sets.
    ///
    /// # Panics
    /// Where it sets none or several.
    #[track_caller]
    pub fn set_cookie(&self, name: &str) -> SetCookie {
        let mut all = self.set_cookies();
        all.retain(|cookie| cookie.name == name);
        assert_eq!(all.len(), 1, "cookies named {name} in {:?}", self.headers);
        all.remove(0)
    }
}

/// A `Set-Cookie` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetCookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Its attributes as sent, sorted.
    pub attributes: Vec<String>,
}

impl SetCookie {
    fn parse(text: &str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let pair = parts.next().unwrap_or_default();
        let (name, value) = pair
            .split_once('=')
            .expect("a cookie has a name and a value");
        let mut attributes: Vec<String> = parts.map(str::to_owned).collect();
        attributes.sort();
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
            attributes,
        }
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find_map(|attribute| {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// What a browser tells cookies apart by (RFC 6265 §5.3, step 11).
    pub fn place(&self) -> (&str, Option<&str>, Option<&str>) {
        (&self.name, self.attribute("Domain"), self.attribute("Path"))
    }

    /// Whether it takes the cookie away.
    pub fn clears(&self) -> bool {
        self.attribute("Max-Age").is_some_and(|age| age == "0")
    }

    /// The attributes that must be the same when a cookie is set and when it is
    /// cleared: all but the lifetime.
    pub fn identity(&self) -> (String, Vec<String>) {
        let mut attributes = self.attributes.clone();
        attributes.retain(|attribute| {
            !attribute.starts_with("Max-Age") && !attribute.starts_with("Expires")
        });
        (self.name.clone(), attributes)
    }
}
