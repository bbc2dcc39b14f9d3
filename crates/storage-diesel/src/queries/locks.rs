//! Row locks, which the shared connection type cannot say.

use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use token_core::id::{ClientId, KeyId, UserId};
use token_core::password::PasswordHash;
use token_core::user::User;

use crate::columns::Id;
use crate::connection::AnyConnection;
use crate::error::Failure;
use crate::rows::UserRow;
use crate::schema::{clients, sessions, users};

/// A user whose row nobody else changes until the transaction ends.
pub(super) struct LockedUser {
    pub(super) user: User,
    pub(super) password_hash: PasswordHash,
}

/// Locks a user's row. Whatever opens a session or ends all of a user's begins with this, so that
/// on PostgreSQL a login waits for the change it races with, and then sees it; and two logins wait
/// for each other, so that together they keep to the number of sessions. SQLite has one writer.
pub(super) fn lock_user(
    conn: &mut AnyConnection,
    id: UserId,
) -> Result<Option<LockedUser>, Failure> {
    let id = Id::from(id);
    let found: Option<(UserRow, String)> = match conn {
        AnyConnection::Postgres(conn) => users::table
            .find(id)
            .select((UserRow::as_select(), users::password_hash))
            .for_no_key_update()
            .get_result(conn)
            .optional()?,
        AnyConnection::Sqlite(conn) => users::table
            .find(id)
            .select((UserRow::as_select(), users::password_hash))
            .get_result(conn)
            .optional()?,
    };
    found
        .map(|(row, hash)| {
            Ok(LockedUser {
                user: row.try_into()?,
                password_hash: PasswordHash::from_stored(hash),
            })
        })
        .transpose()
}

/// Keeps a registered client from being deleted until the transaction ends, so that no session of
/// it is opened that its deletion does not end; `false` if there is no such client. Clients come
/// after users and before sessions.
pub(super) fn lock_client(conn: &mut AnyConnection, id: &ClientId) -> Result<bool, Failure> {
    let client = clients::table.find(id.as_str()).select(clients::id);
    let found: Option<String> = match conn {
        AnyConnection::Postgres(conn) => client.for_key_share().get_result(conn).optional()?,
        AnyConnection::Sqlite(conn) => client.get_result(conn).optional()?,
    };
    Ok(found.is_some())
}

/// Locks the sessions that the filters leave, before several of them are ended, in the order of
/// their ids: two units that end each other's sessions in orders of their own would deadlock.
/// Sessions come after their user, so no unit that holds one waits for a user. A locking clause
/// cannot be said of the shared connection type, nor of a query whose filters are chosen as it runs.
macro_rules! lock_in_order {
    ($conn:expr, $($filter:expr),+) => {{
        if let AnyConnection::Postgres(conn) = $conn {
            sessions::table
                $(.filter($filter))+
                .order(sessions::id)
                .select(sessions::id)
                .for_no_key_update()
                .execute(conn)?;
        }
        Ok(())
    }};
}

/// Locks these.
pub(super) fn lock_sessions(conn: &mut AnyConnection, ids: &[Id]) -> Result<(), Failure> {
    lock_in_order!(conn, sessions::id.eq_any(ids))
}

/// Locks all of a user's that have not ended.
pub(super) fn lock_live_sessions(conn: &mut AnyConnection, user: UserId) -> Result<(), Failure> {
    let of_user = sessions::user_id.eq(Id::from(user));
    lock_in_order!(conn, of_user, sessions::ended_at.is_null())
}

/// Locks all of a refresh key that have not ended.
pub(super) fn lock_sessions_of_key(conn: &mut AnyConnection, kid: &KeyId) -> Result<(), Failure> {
    let of_key = sessions::refresh_kid.eq(kid.as_str());
    lock_in_order!(conn, of_key, sessions::ended_at.is_null())
}

/// Locks all of a registered client that have not ended.
pub(super) fn lock_sessions_of_client(
    conn: &mut AnyConnection,
    client: &ClientId,
) -> Result<(), Failure> {
    let of_client = sessions::client_id.eq(client.as_str());
    let registered = sql::<Bool>("client_id <> 'renewd'");
    lock_in_order!(conn, of_client, registered, sessions::ended_at.is_null())
}
