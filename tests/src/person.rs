//! People who use the server: what they are called and what they know.

use serde_json::{Value, json};

use crate::client::{BodyClient, Browser, Persona, Transport};
use crate::{Anonymous, Server, clock};

/// A password that every policy takes.
pub const PASSWORD: &str = "lamp-Quartz-9-travel";

/// Someone who has, or will have, an account.
#[derive(Debug, Clone)]
pub struct Person {
    /// The user name.
    pub username: String,
    /// The e-mail address.
    pub email: String,
    /// The full name.
    pub full_name: String,
    /// The password.
    pub password: String,
}

impl Person {
    /// Someone of this user name, not registered yet.
    pub fn named(username: &str) -> Self {
        Self {
            username: username.to_owned(),
            email: format!("{username}@example.com"),
            full_name: format!("{username} of Example"),
            password: PASSWORD.to_owned(),
        }
    }

    /// The same person with another password.
    #[must_use]
    pub fn with_password(mut self, password: &str) -> Self {
        password.clone_into(&mut self.password);
        self
    }

    /// The same person with another address.
    #[must_use]
    pub fn with_email(mut self, email: &str) -> Self {
        email.clone_into(&mut self.email);
        self
    }

    /// Someone of this user name, registered.
    pub fn registered(server: &Server, username: &str) -> Self {
        let person = Self::named(username);
        server.anonymous().register(&person).expect(201);
        person
    }

    /// The body of a registration.
    pub fn registration(&self) -> Value {
        json!({
            "username": self.username,
            "email": self.email,
            "full_name": self.full_name,
            "password": self.password,
        })
    }

    /// The body of a login by user name.
    pub fn credentials(&self) -> Value {
        json!({ "username": self.username, "password": self.password })
    }

    /// Logs in with tokens in bodies.
    #[track_caller]
    pub fn log_in(&self, server: &Server) -> BodyClient {
        BodyClient::log_in(&server.anonymous(), self)
    }

    /// Logs in with cookies.
    #[track_caller]
    pub fn browse(&self, server: &Server) -> Browser {
        let mut browser = Browser::new(&server.anonymous());
        browser.log_in(self).expect(200);
        browser
    }

    /// Logs in by either transport.
    #[track_caller]
    pub fn log_in_by(&self, server: &Server, transport: Transport) -> Box<dyn Persona> {
        match transport {
            Transport::Body => Box::new(self.log_in(server)),
            Transport::Cookie => Box::new(self.browse(server)),
        }
    }

    /// Whether the server takes this name and password, as soon as it has the time to hash it.
    ///
    /// # Panics
    /// Where it never has.
    pub fn can_log_in(&self, anonymous: &Anonymous) -> bool {
        clock::eventually("an answer to a login", || {
            let status = anonymous.post("/v1/login", self.credentials()).status;
            (status != 503).then_some(status == 200)
        })
    }
}
