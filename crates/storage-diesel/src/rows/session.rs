//! A row of `sessions`.

use diesel::prelude::{Insertable, Queryable, Selectable};
use token_core::id::{ClientId, KeyId};
use token_core::secret::RefreshDigest;
use token_core::session::{ClientFacts, EndReason, Ended, Session};
use token_core::time::Timestamp;
use token_core::token::status_list::StatusPlace;

use super::{from_count, from_json, to_count, to_json};
use crate::columns::{Id, Time};
use crate::error::Failure;
use crate::schema::sessions;

/// See [`Session`]. In the order of the table's columns, for `RETURNING`.
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions)]
#[diesel(treat_none_as_default_value = false)]
pub(crate) struct SessionRow {
    pub(crate) id: Id,
    user_id: Id,
    client_id: String,
    scope: String,
    generation: i64,
    refresh_digest: Vec<u8>,
    refresh_kid: String,
    rotated_at: Time,
    recovered_generation: Option<i64>,
    created_at: Time,
    authenticated_at: Time,
    expires_at: Time,
    max_expires_at: Time,
    ended_at: Option<Time>,
    end_reason: Option<String>,
    ip: Option<String>,
    user_agent: Option<String>,
    label: Option<String>,
    transport: String,
    remember: bool,
    amr: String,
    status_list: Option<i32>,
    status_index: Option<i32>,
}

impl TryFrom<&Session> for SessionRow {
    type Error = Failure;

    fn try_from(session: &Session) -> Result<Self, Failure> {
        let recovered = session.recovered_generation;
        Ok(Self {
            id: session.id.into(),
            user_id: session.user_id.into(),
            client_id: session.client_id.as_str().to_owned(),
            scope: session.scope.clone(),
            generation: to_count(session.generation, "sessions.generation")?,
            refresh_digest: session.refresh_digest.as_bytes().to_vec(),
            refresh_kid: session.refresh_kid.as_str().to_owned(),
            rotated_at: session.rotated_at.into(),
            recovered_generation: recovered
                .map(|generation| to_count(generation, "sessions.recovered_generation"))
                .transpose()?,
            created_at: session.created_at.into(),
            authenticated_at: session.authenticated_at.into(),
            expires_at: session.expires_at.into(),
            max_expires_at: session.max_expires_at.into(),
            ended_at: session.ended.map(|ended| ended.at.into()),
            end_reason: session.ended.map(|ended| ended.reason.as_str().to_owned()),
            ip: session.client.ip.map(|ip| ip.to_string()),
            user_agent: session.client.user_agent.clone(),
            label: session.client.label.clone(),
            transport: session.transport.as_str().to_owned(),
            remember: session.remember,
            amr: to_json(session.amr.iter().cloned()),
            status_list: session.status.map(|place| stored(place.list)).transpose()?,
            status_index: session
                .status
                .map(|place| stored(place.index))
                .transpose()?,
        })
    }
}

impl TryFrom<SessionRow> for Session {
    type Error = Failure;

    fn try_from(row: SessionRow) -> Result<Self, Failure> {
        let digest = <[u8; 32]>::try_from(row.refresh_digest)
            .map_err(|_| Failure::Damaged("sessions.refresh_digest"))?;
        let recovered = row
            .recovered_generation
            .map(|generation| from_count(generation, "sessions.recovered_generation"));
        let ip = row.ip.map(|ip| ip.parse());
        Ok(Self {
            id: row.id.into(),
            user_id: row.user_id.into(),
            client_id: ClientId::from_trusted(row.client_id),
            scope: row.scope,
            generation: from_count(row.generation, "sessions.generation")?,
            refresh_digest: RefreshDigest::from_bytes(digest),
            refresh_kid: KeyId::from_trusted(row.refresh_kid),
            rotated_at: row.rotated_at.into(),
            recovered_generation: recovered.transpose()?,
            created_at: row.created_at.into(),
            authenticated_at: row.authenticated_at.into(),
            expires_at: row.expires_at.into(),
            max_expires_at: row.max_expires_at.into(),
            ended: ended(row.ended_at, row.end_reason.as_deref())?,
            client: ClientFacts {
                ip: ip
                    .transpose()
                    .map_err(|_| Failure::Damaged("sessions.ip"))?,
                user_agent: row.user_agent,
                label: row.label,
            },
            transport: row
                .transport
                .parse()
                .map_err(|_| Failure::Damaged("sessions.transport"))?,
            remember: row.remember,
            amr: from_json(&row.amr, "sessions.amr")?,
            status: place(row.status_list, row.status_index)?,
        })
    }
}

fn ended(at: Option<Time>, reason: Option<&str>) -> Result<Option<Ended>, Failure> {
    let damaged = Failure::Damaged("sessions.end_reason");
    match (at.map(Timestamp::from), reason.map(str::parse::<EndReason>)) {
        (None, None) => Ok(None),
        (Some(at), Some(Ok(reason))) => Ok(Some(Ended { at, reason })),
        (None, Some(_)) | (Some(_), None | Some(Err(_))) => Err(damaged),
    }
}

fn stored(number: u32) -> Result<i32, Failure> {
    i32::try_from(number).map_err(|_| Failure::Damaged("sessions.status_list"))
}

fn place(list: Option<i32>, index: Option<i32>) -> Result<Option<StatusPlace>, Failure> {
    let damaged = |_| Failure::Damaged("sessions.status_list");
    let (Some(list), Some(index)) = (list, index) else {
        return Ok(None);
    };
    Ok(Some(StatusPlace {
        list: u32::try_from(list).map_err(damaged)?,
        index: u32::try_from(index).map_err(damaged)?,
    }))
}
