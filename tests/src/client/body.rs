//! A client that keeps its tokens itself, as an app does.

use serde_json::{Value, json};

use super::{Anonymous, Persona};
use crate::Person;
use crate::reply::{Call, Reply};

/// Holds a pair and sends `Authorization: Bearer`.
#[derive(Debug, Clone)]
pub struct BodyClient {
    anonymous: Anonymous,
    /// The pair as it came last; members that came only at login stay.
    pub pair: Value,
}

impl BodyClient {
    /// Logs in.
    ///
    /// # Panics
    /// Where the server refuses.
    #[track_caller]
    pub fn log_in(anonymous: &Anonymous, person: &Person) -> Self {
        let pair = anonymous
            .post("/v1/login", person.credentials())
            .expect(200)
            .json();
        Self {
            anonymous: anonymous.clone(),
            pair,
        }
    }

    /// One that holds a pair from elsewhere.
    pub fn with_pair(anonymous: &Anonymous, pair: Value) -> Self {
        Self {
            anonymous: anonymous.clone(),
            pair,
        }
    }

    fn token(&self, member: &str) -> String {
        self.pair[member]
            .as_str()
            .unwrap_or_else(|| panic!("no {member}: {}", self.pair))
            .into()
    }
}

impl Persona for BodyClient {
    fn call(&self, method: &str, path: &str) -> Call {
        self.anonymous.call(method, path).bearer(&self.access())
    }

    fn send(&mut self, call: Call) -> Reply {
        let reply = call.send();
        let pair = if reply.status == 200 {
            reply.json()
        } else {
            Value::Null
        };
        if pair.get("refresh_token").is_some() {
            self.pair = pair;
        }
        reply
    }

    fn refresh(&mut self) -> Reply {
        let body = json!({ "refresh_token": self.refresh_token() });
        self.send(self.anonymous.call("POST", "/v1/refresh").json(body))
    }

    fn present(&self, refresh_token: &str) -> Reply {
        self.anonymous.present(refresh_token)
    }

    fn access(&self) -> String {
        self.token("access_token")
    }

    fn refresh_token(&self) -> String {
        self.token("refresh_token")
    }
}
