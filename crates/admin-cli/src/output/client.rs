//! Registered clients as they are printed.

use serde::Serialize;
use token_core::client::{ClientSecret, RegisteredClient};
use token_core::time::Timestamp;

use super::table::{card, list, printable, time};

/// A client in JSON, without anything of its secret.
#[derive(Serialize)]
pub struct ClientJson<'a> {
    client_id: &'a str,
    name: &'a str,
    scopes: Vec<&'a str>,
    created_at: Timestamp,
}

impl<'a> ClientJson<'a> {
    /// What may be seen of a client.
    pub fn of(client: &'a RegisteredClient) -> Self {
        Self {
            client_id: client.id.as_str(),
            name: client.name.as_str(),
            scopes: client.scope.values().collect(),
            created_at: client.created_at,
        }
    }
}

/// A line for each client.
pub fn table(clients: &[RegisteredClient]) -> String {
    let row = |client: &RegisteredClient| {
        [
            client.id.to_string(),
            printable(client.name.as_str()),
            client.scope.to_string(),
            time(client.created_at),
        ]
    };
    list(["ID", "NAME", "SCOPES", "CREATED"], clients.iter().map(row))
}

/// What a client needs to know; the secret is in no other place.
pub fn created(client: &RegisteredClient, secret: &ClientSecret) -> String {
    card([
        ("client_id", client.id.to_string()),
        ("client_secret", secret.expose().to_owned()),
        ("", "the secret is shown only now".to_owned()),
    ])
}
