//! A registered OAuth client: a program with a name and a secret of its own.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Anonymous, BodyClient};
use crate::reply::{Call, Reply};
use crate::{Ctl, Person, Server};

/// Knows its id and its secret.
#[derive(Debug, Clone)]
pub struct Registered {
    pub(crate) anonymous: Anonymous,
    /// The `client_id`.
    pub id: String,
    /// The `client_secret`.
    pub secret: String,
}

impl Registered {
    /// One that `renewctl` has just registered, with these scopes.
    ///
    /// # Panics
    /// Where it does not.
    #[track_caller]
    pub fn new(server: &Server, scopes: &[&str]) -> Self {
        let mut args = vec!["client", "create", "--name", "test"];
        for scope in scopes {
            args.extend(["--scope", scope]);
        }
        let made = Ctl::of(server).json(&args);
        let text = |member: &str| made[member].as_str().expect("a text").to_owned();
        Self {
            anonymous: server.anonymous(),
            id: text("client_id"),
            secret: text("client_secret"),
        }
    }

    /// The same client at another node.
    #[must_use]
    pub fn at(&self, server: &Server) -> Self {
        Self {
            anonymous: server.anonymous(),
            ..self.clone()
        }
    }

    /// The value of its `Authorization` header.
    pub fn basic(&self) -> String {
        basic(&self.id, &self.secret)
    }

    /// A form to `path`, with the client's name and secret in the header.
    pub fn call(&self, path: &str, parameters: &[(&str, &str)]) -> Call {
        form_to(&self.anonymous, path, parameters).header("authorization", self.basic())
    }

    /// Likewise, sent.
    pub fn post(&self, path: &str, parameters: &[(&str, &str)]) -> Reply {
        self.call(path, parameters).send()
    }

    /// A token for the client itself.
    #[track_caller]
    pub fn token(&self) -> String {
        self.post("/oauth2/token", &[("grant_type", "client_credentials")])
            .expect(200)
            .string("access_token")
    }

    /// A token for the client itself, good for a part of what it may.
    #[track_caller]
    pub fn token_for(&self, scope: &str) -> String {
        let asked = [("grant_type", "client_credentials"), ("scope", scope)];
        let reply = self.post("/oauth2/token", &asked).expect(200);
        reply.string("access_token")
    }

    /// A refresh by `POST /oauth2/token`.
    pub fn refresh(&self, token: &str) -> Reply {
        let parameters = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.post("/oauth2/token", &parameters)
    }

    /// What introspection says.
    #[track_caller]
    pub fn introspect(&self, token: &str) -> Value {
        self.post("/oauth2/introspect", &[("token", token)])
            .expect(200)
            .json()
    }

    /// Revokes a token.
    pub fn revoke(&self, token: &str) -> Reply {
        self.post("/oauth2/revoke", &[("token", token)])
    }

    /// Logs a user in, through this client.
    pub fn try_log_in(&self, person: &Person, body: &Value) -> Reply {
        let mut login = person.credentials();
        for (member, value) in body.as_object().into_iter().flatten() {
            login[member] = value.clone();
        }
        self.anonymous
            .call("POST", "/v1/login")
            .header("authorization", self.basic())
            .json(login)
            .send()
    }

    /// Likewise, and keeps the tokens.
    #[track_caller]
    pub fn log_in(&self, person: &Person) -> BodyClient {
        let pair = self.try_log_in(person, &json!({})).expect(200).json();
        BodyClient::with_pair(&self.anonymous, pair)
    }
}

/// The value of a `Basic` header.
pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")))
}

/// A form to `path`, of a client that says nothing of itself.
pub fn form_to(anonymous: &Anonymous, path: &str, parameters: &[(&str, &str)]) -> Call {
    let body = form(parameters);
    anonymous
        .call("POST", path)
        .body("application/x-www-form-urlencoded", body)
}

/// The text of a form.
pub fn form(parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect();
    pairs.join("&")
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

impl Reply {
    /// The answer itself, where it is an error of OAuth with this status and code
    /// (RFC 6749 §5.2).
    ///
    /// # Panics
    /// Where it is not.
    #[track_caller]
    pub fn oauth_error(self, status: u16, code: &str) -> Self {
        let body = self.json();
        assert_eq!(
            (self.status, &body["error"]),
            (status, &json!(code)),
            "{body}"
        );
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert!(body["error_description"].is_string(), "{body}");
        assert_eq!(
            body.as_object().map(serde_json::Map::len),
            Some(2),
            "{body}"
        );
        if status == 401 {
            let challenge = self.header("www-authenticate").unwrap_or_default();
            assert!(challenge.starts_with("Basic "), "{challenge:?}");
        }
        self
    }
}
