//! [`SessionStore`].

use token_core::id::SessionId;
use token_core::session::Session;
use token_core::store::{
    AuditEvent, EndOutcome, EndSession, EndSessionsOf, OpenOutcome, OpenSession, SessionFilter,
    SessionStore, StatusListPage, StoreFuture, SweepBefore,
};
use token_core::time::Timestamp;
use token_core::token::rotation::{Rotation, RotationOutcome};
use token_core::user::User;

use crate::queries::{audit, rotation, sessions, status, sweep};
use crate::storage::{Database, Storage};
use crate::unit::wait;

impl SessionStore for Storage {
    fn open_session(&self, open: OpenSession) -> StoreFuture<'_, OpenOutcome> {
        self.write(move |tx| sessions::open(tx, &open))
    }

    fn rotate(&self, rotation: Rotation) -> StoreFuture<'_, RotationOutcome> {
        match &self.database {
            Database::Sqlite(_) => self.write(move |tx| rotation::rotate(tx, &rotation)),
            Database::Postgres(database) => Box::pin(wait(database.rotate(rotation))),
        }
    }

    fn end_session(&self, end: EndSession) -> StoreFuture<'_, EndOutcome> {
        self.write(move |tx| sessions::end(tx, &end))
    }

    fn end_sessions_of(&self, end: EndSessionsOf) -> StoreFuture<'_, u64> {
        self.write(move |tx| sessions::end_all(tx, &end))
    }

    fn session(&self, id: SessionId) -> StoreFuture<'_, Option<(Session, Option<User>)>> {
        self.read(move |conn| sessions::find(conn, id))
    }

    fn sessions(&self, filter: SessionFilter) -> StoreFuture<'_, Vec<Session>> {
        self.read(move |conn| sessions::list(conn, &filter))
    }

    fn status_list(&self, list: u32, since: Timestamp) -> StoreFuture<'_, StatusListPage> {
        self.read(move |conn| status::page(conn, list, since))
    }

    fn record(&self, event: AuditEvent) -> StoreFuture<'_, ()> {
        self.write(move |tx| audit::record(tx.conn, &event))
    }

    fn sweep(&self, before: SweepBefore) -> StoreFuture<'_, u64> {
        self.write(move |tx| sweep::sweep(tx.conn, &before))
    }
}
