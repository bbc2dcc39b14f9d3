//! A row of `clients`.

use diesel::prelude::{Insertable, Queryable, Selectable};
use token_core::client::{ClientName, ClientSecretDigest, RegisteredClient, Scope};
use token_core::id::ClientId;

use crate::columns::{Id, Time};
use crate::error::Failure;
use crate::schema::clients;

/// See [`RegisteredClient`].
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = clients)]
pub(crate) struct ClientRow {
    id: String,
    name: String,
    secret_digest: Vec<u8>,
    scope: String,
    created_at: Time,
    session_id: Id,
}

impl From<&RegisteredClient> for ClientRow {
    fn from(client: &RegisteredClient) -> Self {
        Self {
            id: client.id.as_str().to_owned(),
            name: client.name.as_str().to_owned(),
            secret_digest: client.secret.as_bytes().to_vec(),
            scope: client.scope.to_string(),
            created_at: client.created_at.into(),
            session_id: client.session_id.into(),
        }
    }
}

impl TryFrom<ClientRow> for RegisteredClient {
    type Error = Failure;

    fn try_from(row: ClientRow) -> Result<Self, Failure> {
        let digest = <[u8; 32]>::try_from(row.secret_digest)
            .map_err(|_| Failure::Damaged("clients.secret_digest"))?;
        Ok(Self {
            id: ClientId::parse_registered(&row.id).ok_or(Failure::Damaged("clients.id"))?,
            name: ClientName::parse(&row.name).map_err(|_| Failure::Damaged("clients.name"))?,
            secret: ClientSecretDigest::from_bytes(digest),
            scope: Scope::parse(&row.scope).map_err(|_| Failure::Damaged("clients.scope"))?,
            created_at: row.created_at.into(),
            session_id: row.session_id.into(),
        })
    }
}
