//! Disabling, enabling and deleting users. The user's row comes first and the sessions after it,
//! in one transaction: a login that races with this sees it, or is seen by it.

use diesel::prelude::*;
use token_core::id::UserId;
use token_core::session::EndReason;
use token_core::store::DeleteUser;
use token_core::time::Timestamp;

use super::locks::lock_user;
use super::names::{self, Name};
use super::sessions;
use crate::columns::{Id, Time};
use crate::connection::AnyConnection;
use crate::error::Failure;
use crate::schema::users;
use crate::unit::Tx;

/// Disables a user and ends their sessions.
pub(crate) fn disable(tx: &mut Tx<'_>, id: UserId, now: Timestamp) -> Result<bool, Failure> {
    let Some(locked) = lock_user(tx.conn, id)? else {
        return Ok(false);
    };
    if locked.user.is_active() {
        diesel::update(users::table.find(Id::from(id)))
            .set(users::disabled_at.eq(Time::from(now)))
            .execute(tx.conn)?;
    }
    sessions::end_live(tx, id, None, EndReason::UserDisabled, now)?;
    Ok(true)
}

/// Enables a user.
pub(crate) fn enable(conn: &mut AnyConnection, id: UserId) -> Result<bool, Failure> {
    let written = diesel::update(users::table.find(Id::from(id)))
        .set(users::disabled_at.eq(None::<Time>))
        .execute(conn)?;
    Ok(written == 1)
}

/// Deletes a user, keeps the names from others for a while, and ends the sessions, which stay.
pub(crate) fn delete(tx: &mut Tx<'_>, delete: &DeleteUser) -> Result<bool, Failure> {
    let verified = delete.verified_hash.as_ref();
    let locked = lock_user(tx.conn, delete.user_id)?
        .filter(|locked| verified.is_none_or(|hash| *hash == locked.password_hash));
    let Some(locked) = locked else {
        return Ok(false);
    };
    diesel::delete(users::table.find(Id::from(delete.user_id))).execute(tx.conn)?;
    let until = delete.reservation.until;
    names::reserve(
        tx.conn,
        Name::Username(locked.user.username.key()),
        None,
        until,
    )?;
    names::reserve(tx.conn, Name::Email(locked.user.email.key()), None, until)?;
    sessions::end_live(tx, delete.user_id, None, EndReason::UserDeleted, delete.now)?;
    Ok(true)
}
