//! The clients, as personas: one without anything, one that keeps tokens
//! itself, one that is a browser.

mod body;
mod browser;
pub mod registered;

pub use body::BodyClient;
pub use browser::Browser;
pub use registered::Registered;

use serde_json::Value;

use crate::Person;
use crate::reply::{Call, Reply};
use crate::server::Address;

/// The name of the access cookie over https.
pub const ACCESS_COOKIE: &str = "__Host-renewd_access";
/// The name of the refresh cookie over https.
pub const REFRESH_COOKIE: &str = "__Secure-renewd_refresh";

/// How tokens travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// In JSON bodies and the `Authorization` header.
    Body,
    /// In cookies.
    Cookie,
}

impl Transport {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Body, Self::Cookie];
}

/// Someone who is logged in.
pub trait Persona: Send {
    /// A request that carries this persona's credentials.
    fn call(&self, method: &str, path: &str) -> Call;

    /// Sends a request and takes over tokens or cookies from the answer.
    fn send(&mut self, call: Call) -> Reply;

    /// Asks for a new pair, and takes it over if it comes.
    fn refresh(&mut self) -> Reply;

    /// Presents any refresh token in this persona's way, and takes nothing over.
    fn present(&self, refresh_token: &str) -> Reply;

    /// The access token that it holds.
    fn access(&self) -> String;

    /// The refresh token that it holds.
    fn refresh_token(&self) -> String;

    /// `GET` with credentials.
    fn get(&self, path: &str) -> Reply {
        self.call("GET", path).send()
    }

    /// `POST` with credentials and without a body; takes over what comes.
    fn post(&mut self, path: &str) -> Reply {
        let call = self.call("POST", path);
        self.send(call)
    }

    /// `POST` with credentials and a body; takes over what comes.
    fn post_json(&mut self, path: &str, body: Value) -> Reply {
        let call = self.call("POST", path).json(body);
        self.send(call)
    }

    /// Logs out.
    fn log_out(&mut self) -> Reply {
        self.post("/v1/logout")
    }

    /// The session's id.
    fn session(&self) -> String {
        let claims = crate::jwt::claims(&self.refresh_token());
        claims["sid"].as_str().expect("sid").to_owned()
    }
}

/// Someone without credentials.
#[derive(Debug, Clone)]
pub struct Anonymous {
    address: Address,
}

impl Anonymous {
    /// A client of the server at this address.
    pub fn new(address: Address) -> Self {
        Self { address }
    }

    /// Begins a request.
    pub fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self.address.clone(), method, path)
    }

    /// `GET`.
    pub fn get(&self, path: &str) -> Reply {
        self.call("GET", path).send()
    }

    /// `POST` with a body.
    pub fn post(&self, path: &str, body: Value) -> Reply {
        self.call("POST", path).json(body).send()
    }

    /// Registers a person.
    pub fn register(&self, person: &Person) -> Reply {
        self.post("/v1/register", person.registration())
    }

    /// Presents a refresh token in a body.
    pub fn present(&self, refresh_token: &str) -> Reply {
        self.post(
            "/v1/refresh",
            serde_json::json!({ "refresh_token": refresh_token }),
        )
    }
}

/// Nothing of the session of `persona` is accepted any more: neither token, at
/// any route. The answers are checked too.
///
/// # Panics
/// Where something is accepted.
#[track_caller]
pub fn assert_dead(persona: &dyn Persona) {
    persona.get("/v1/verify").problem(401, "session_revoked");
    persona.get("/v1/me").problem(401, "session_revoked");
    persona
        .present(&persona.refresh_token())
        .problem(401, "session_revoked");
}

/// Both tokens of `persona` are accepted.
///
/// # Panics
/// Where one is not.
#[track_caller]
pub fn assert_alive(persona: &mut dyn Persona) {
    persona.get("/v1/verify").expect(204);
    persona.refresh().expect(200);
    persona.get("/v1/me").expect(200);
}

/// A user's sessions as the server tells them.
///
/// # Panics
/// Where it does not.
#[track_caller]
pub fn sessions(persona: &dyn Persona) -> Vec<Value> {
    let listed = persona.get("/v1/me/sessions").expect(200).json();
    listed["sessions"].as_array().expect("sessions").clone()
}
