//! A browser, as far as cookies go.

use serde_json::{Value, json};

use super::{ACCESS_COOKIE, Anonymous, Persona, REFRESH_COOKIE};
use crate::Person;
use crate::reply::{Call, Reply, SetCookie};

/// Keeps cookies by name, with their attributes as sent, and sends them where
/// their `Path` says.
#[derive(Debug, Clone)]
pub struct Browser {
    anonymous: Anonymous,
    /// The jar.
    pub jar: Vec<SetCookie>,
    /// The names of the two cookies.
    pub names: (String, String),
}

impl Browser {
    /// A browser without cookies.
    pub fn new(anonymous: &Anonymous) -> Self {
        let names = (ACCESS_COOKIE.to_owned(), REFRESH_COOKIE.to_owned());
        Self {
            anonymous: anonymous.clone(),
            jar: Vec::new(),
            names,
        }
    }

    /// A browser that expects other cookie names.
    pub fn with_names(anonymous: &Anonymous, access: &str, refresh: &str) -> Self {
        let names = (access.to_owned(), refresh.to_owned());
        Self {
            anonymous: anonymous.clone(),
            jar: Vec::new(),
            names,
        }
    }

    /// Logs in with `transport: "cookie"`.
    pub fn log_in(&mut self, person: &Person) -> Reply {
        self.log_in_with(person, &json!({}))
    }

    /// Logs in with more members in the body.
    pub fn log_in_with(&mut self, person: &Person, more: &Value) -> Reply {
        let mut body = person.credentials();
        body["transport"] = "cookie".into();
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        let call = self.call("POST", "/v1/login").json(body);
        self.send(call)
    }

    /// The value of a cookie in the jar.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.jar
            .iter()
            .find(|cookie| cookie.name == name)
            .map(|cookie| cookie.value.as_str())
    }

    /// A request as the page would make it, with cookies by path and without
    /// the headers by which a browser says where it comes from.
    pub fn bare_call(&self, method: &str, path: &str) -> Call {
        let call = self.anonymous.call(method, path);
        match self.cookie_header(path) {
            Some(cookies) => call.header("cookie", cookies),
            None => call,
        }
    }

    fn cookie_header(&self, path: &str) -> Option<String> {
        let sent: Vec<String> = self
            .jar
            .iter()
            .filter(|cookie| path_matches(cookie.attribute("Path").unwrap_or("/"), path))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!sent.is_empty()).then(|| sent.join("; "))
    }

    fn keep(&mut self, reply: &Reply) {
        for cookie in reply.set_cookies() {
            self.jar.retain(|known| known.place() != cookie.place());
            if !cookie.clears() {
                self.jar.push(cookie);
            }
        }
    }

    fn held(&self, name: &str) -> String {
        self.cookie(name)
            .unwrap_or_else(|| panic!("no cookie {name}: {:?}", self.jar))
            .to_owned()
    }
}

/// RFC 6265 §5.1.4.
fn path_matches(cookie: &str, path: &str) -> bool {
    path.strip_prefix(cookie).is_some_and(|rest| {
        rest.is_empty() || cookie.ends_with('/') || rest.starts_with(['/', '?'])
    })
}

impl Persona for Browser {
    fn call(&self, method: &str, path: &str) -> Call {
        self.bare_call(method, path)
            .header("sec-fetch-site", "same-origin")
    }

    fn send(&mut self, call: Call) -> Reply {
        let reply = call.send();
        self.keep(&reply);
        reply
    }

    fn refresh(&mut self) -> Reply {
        self.post("/v1/refresh")
    }

    fn present(&self, refresh_token: &str) -> Reply {
        self.anonymous
            .call("POST", "/v1/refresh")
            .header("sec-fetch-site", "same-origin")
            .cookie(&self.names.1, refresh_token)
            .send()
    }

    fn access(&self) -> String {
        self.held(&self.names.0)
    }

    fn refresh_token(&self) -> String {
        self.held(&self.names.1)
    }
}
