//! Registered clients.

use diesel::prelude::*;
use token_core::client::RegisteredClient;
use token_core::id::{ClientId, SessionId};
use token_core::session::EndReason;
use token_core::store::{NewClient, ReplaceClientSession};
use token_core::time::Timestamp;

use super::sessions;
use crate::columns::Id;
use crate::connection::AnyConnection;
use crate::error::Failure;
use crate::rows::ClientRow;
use crate::schema::clients;
use crate::unit::Tx;

/// Registers a client and opens the session of its own tokens.
pub(crate) fn create(conn: &mut AnyConnection, new: &NewClient) -> Result<(), Failure> {
    diesel::insert_into(clients::table)
        .values(ClientRow::from(&new.client))
        .execute(conn)?;
    sessions::insert(conn, &new.session)
}

/// A client.
pub(crate) fn find(
    conn: &mut AnyConnection,
    id: &ClientId,
) -> Result<Option<RegisteredClient>, Failure> {
    let row = clients::table
        .find(id.as_str())
        .select(ClientRow::as_select())
        .get_result(conn)
        .optional()?;
    row.map(RegisteredClient::try_from).transpose()
}

/// All clients, oldest first.
pub(crate) fn list(conn: &mut AnyConnection) -> Result<Vec<RegisteredClient>, Failure> {
    let rows: Vec<ClientRow> = clients::table
        .order((clients::created_at, clients::id))
        .select(ClientRow::as_select())
        .load(conn)?;
    rows.into_iter().map(RegisteredClient::try_from).collect()
}

/// Gives a client another session in place of the one that ended, and says which it has then. The
/// write comes first, so that whoever deletes the client waits, and then ends the new session too.
pub(crate) fn replace_session(
    conn: &mut AnyConnection,
    replace: &ReplaceClientSession,
) -> Result<Option<SessionId>, Failure> {
    let client = &replace.client_id;
    let fresh = replace.fresh.id;
    let written = diesel::update(clients::table.find(client.as_str()))
        .filter(clients::session_id.eq(Id::from(replace.ended)))
        .set(clients::session_id.eq(Id::from(fresh)))
        .execute(conn)?;
    if written == 1 {
        sessions::insert(conn, &replace.fresh)?;
        return Ok(Some(fresh));
    }
    let found: Option<Id> = clients::table
        .find(client.as_str())
        .select(clients::session_id)
        .get_result(conn)
        .optional()?;
    Ok(found.map(SessionId::from))
}

/// Deletes a client, then ends its sessions and says how many.
pub(crate) fn delete(
    tx: &mut Tx<'_>,
    id: &ClientId,
    now: Timestamp,
) -> Result<Option<u64>, Failure> {
    let deleted = diesel::delete(clients::table.find(id.as_str())).execute(tx.conn)?;
    if deleted == 0 {
        return Ok(None);
    }
    sessions::end_of_client(tx, id, EndReason::Admin, now).map(Some)
}
