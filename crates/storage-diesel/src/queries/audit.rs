//! The audit log, which only grows.

use diesel::prelude::*;
use token_core::store::AuditEvent;

use crate::columns::{Id, Time};
use crate::connection::AnyConnection;
use crate::error::Failure;
use crate::schema::audit_events;

/// Appends an event.
pub(crate) fn record(conn: &mut AnyConnection, event: &AuditEvent) -> Result<(), Failure> {
    diesel::insert_into(audit_events::table)
        .values((
            audit_events::id.eq(Id::from(event.id)),
            audit_events::at.eq(Time::from(event.at)),
            audit_events::kind.eq(event.kind.as_str()),
            audit_events::user_id.eq(event.user_id.map(Id::from)),
            audit_events::session_id.eq(event.session_id.map(Id::from)),
            audit_events::detail.eq(&event.detail),
        ))
        .execute(conn)?;
    Ok(())
}
