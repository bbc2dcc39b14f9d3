//! `renewctl client create`

use token_core::client::{ClientName, RegisteredClient, Scope};
use token_core::store::{ClientStore, NewClient};

use crate::args::CreateClient;
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::output::Answer;

/// Registers a client. Everything is checked before a database is touched or made.
pub fn run(new: &CreateClient, context: &Context) -> Result<Answer, Failure> {
    let name = ClientName::parse(&new.name).map_err(Failure::value("name"))?;
    let scope = Scope::parse(&new.scopes.join(" ")).map_err(Failure::value("scope"))?;
    let store = context.open_or_create()?;
    let entropy = context.entropy.as_ref();
    let now = store.clock().now();
    let (client, session, secret) = RegisteredClient::register(name, scope, now, entropy);
    let new = NewClient {
        client: client.clone(),
        session,
    };
    wait(store.create_client(new))?;
    Ok(Answer::ClientCreated { client, secret })
}
