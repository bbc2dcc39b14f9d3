//! `renewctl client delete`

use token_core::id::ClientId;
use token_core::store::ClientStore;

use crate::args::ClientRef;
use crate::context::{Context, wait};
use crate::failure::Failure;
use crate::output::Answer;

/// Deletes a client. Its secret works no more, and all tokens that were made for it are dead.
pub fn run(client: &ClientRef, context: &Context) -> Result<Answer, Failure> {
    let consent = context.consent()?;
    let unknown = || Failure::NoSuchClient(client.id.escape_debug().to_string());
    let id = ClientId::parse_registered(&client.id).ok_or_else(unknown)?;
    let store = context.open()?;
    let found = wait(store.client(id.clone()))?.ok_or_else(unknown)?;
    let name = found.name.as_str();
    consent.ask(&format!("Delete the client {name} ({id}) for good?"))?;
    let deleted = wait(store.delete_client(id.clone(), store.clock().now()))?;
    Ok(Answer::ClientDeleted {
        id,
        ended: deleted.ok_or_else(unknown)?,
    })
}
