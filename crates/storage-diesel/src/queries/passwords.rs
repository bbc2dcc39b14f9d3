//! Password hashes: reading them for a login, replacing them.

use diesel::prelude::*;
use token_core::id::UserId;
use token_core::password::PasswordHash;
use token_core::session::EndReason;
use token_core::store::{ChangePassword, PasswordOutcome};
use token_core::user::{Credentials, Identifier};

use super::locks::lock_user;
use super::sessions;
use super::users::can_be_stored;
use crate::columns::Id;
use crate::connection::AnyConnection;
use crate::error::Failure;
use crate::schema::users;
use crate::unit::Tx;

/// The credentials of whoever goes by that name.
pub(crate) fn by_name(
    conn: &mut AnyConnection,
    identifier: &Identifier,
) -> Result<Option<Credentials>, Failure> {
    if !can_be_stored(identifier.key()) {
        return Ok(None);
    }
    let all = users::table.select((
        users::id,
        users::password_hash,
        users::disabled_at.is_null(),
    ));
    let row = match identifier {
        Identifier::Email(key) => all.filter(users::email_key.eq(key)).get_result(conn),
        Identifier::Username(key) => all.filter(users::username_key.eq(key)).get_result(conn),
    };
    Ok(row.optional()?.map(credentials))
}

/// The credentials of a user.
pub(crate) fn by_id(conn: &mut AnyConnection, id: UserId) -> Result<Option<Credentials>, Failure> {
    let row = users::table
        .find(Id::from(id))
        .select((
            users::id,
            users::password_hash,
            users::disabled_at.is_null(),
        ))
        .get_result(conn)
        .optional()?;
    Ok(row.map(credentials))
}

fn credentials((id, hash, is_active): (Id, String, bool)) -> Credentials {
    Credentials {
        user_id: id.into(),
        password_hash: PasswordHash::from_stored(hash),
        is_active,
    }
}

/// Replaces a password: the user's row first, so that logins wait, then every session ends, then
/// the fresh one begins.
pub(crate) fn change(tx: &mut Tx<'_>, change: &ChangePassword) -> Result<PasswordOutcome, Failure> {
    let verified = change.verified_hash.as_ref();
    let fresh = change.fresh_session.as_ref();
    let locked = lock_user(tx.conn, change.user_id)?
        .filter(|locked| verified.is_none_or(|hash| *hash == locked.password_hash))
        .filter(|locked| fresh.is_none() || locked.user.is_active());
    let Some(locked) = locked else {
        return Ok(PasswordOutcome::Refused);
    };
    if let Some(session) = fresh
        && !sessions::has_client(tx.conn, session)?
    {
        return Ok(PasswordOutcome::Refused);
    }
    diesel::update(users::table.find(Id::from(change.user_id)))
        .set(users::password_hash.eq(change.new_hash.as_str()))
        .execute(tx.conn)?;
    sessions::end_live(
        tx,
        change.user_id,
        None,
        EndReason::PasswordChanged,
        change.now,
    )?;
    let place = fresh
        .map(|session| sessions::insert(tx, session))
        .transpose()?;
    Ok(PasswordOutcome::Changed(Box::new(locked.user), place))
}

/// Writes the same password's hash at another cost, where the old hash still stands.
pub(crate) fn renew(
    conn: &mut AnyConnection,
    user_id: UserId,
    old: &PasswordHash,
    new: &PasswordHash,
) -> Result<bool, Failure> {
    let written = diesel::update(users::table.find(Id::from(user_id)))
        .filter(users::password_hash.eq(old.as_str()))
        .set(users::password_hash.eq(new.as_str()))
        .execute(conn)?;
    Ok(written == 1)
}
