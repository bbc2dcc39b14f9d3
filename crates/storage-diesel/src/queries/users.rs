//! Accounts: making them, finding them, changing their names.

use diesel::dsl::exists;
use diesel::prelude::*;
use token_core::id::UserId;
use token_core::store::{CreateOutcome, NewUser, ProfileChange, ProfileOutcome};
use token_core::time::Timestamp;
use token_core::user::{FullName, Identifier, User, Username};

use super::locks::lock_user;
use super::names::{self, Name};
use super::{Undo, is_taken, undoable};
use crate::columns::Id;
use crate::connection::AnyConnection;
use crate::error::Failure;
use crate::rows::UserRow;
use crate::schema::users;
use crate::unit::Tx;

/// Creates an account if its names are free.
pub(crate) fn create(
    tx: &mut Tx<'_>,
    new: &NewUser,
    now: Timestamp,
) -> Result<CreateOutcome, Failure> {
    let user = &new.user;
    let outcome = undoable(tx.conn, |conn| {
        let inserted = diesel::insert_into(users::table)
            .values((
                UserRow::from(user),
                users::password_hash.eq(new.password_hash.as_str()),
            ))
            .execute(conn);
        match inserted {
            // Who has it is asked when this is undone.
            Err(error) if is_taken(&error) => return Err(Undo::With(None)),
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        // Asked after the insert: if that waited for someone who was giving the name up, their
        // reservation is committed by now.
        match reserved(conn, user, now)? {
            Some(taken) => Err(Undo::With(Some(taken))),
            None => Ok(Some(CreateOutcome::Created)),
        }
    })?;
    match outcome {
        Some(outcome) => Ok(outcome),
        None => owned(tx.conn, user)?.ok_or(Failure::Contended),
    }
}

fn reserved(
    conn: &mut AnyConnection,
    user: &User,
    now: Timestamp,
) -> Result<Option<CreateOutcome>, Failure> {
    let username = Name::Username(user.username.key());
    let email = Name::Email(user.email.key());
    if names::is_reserved(conn, username, user.id, now)? {
        return Ok(Some(CreateOutcome::UsernameTaken));
    }
    let taken = names::is_reserved(conn, email, user.id, now)?;
    Ok(taken.then_some(CreateOutcome::EmailTaken))
}

fn owned(conn: &mut AnyConnection, user: &User) -> Result<Option<CreateOutcome>, Failure> {
    let username = users::table.filter(users::username_key.eq(user.username.key()));
    if diesel::select(exists(username)).get_result(conn)? {
        return Ok(Some(CreateOutcome::UsernameTaken));
    }
    let email = users::table.filter(users::email_key.eq(user.email.key()));
    let taken: bool = diesel::select(exists(email)).get_result(conn)?;
    Ok(taken.then_some(CreateOutcome::EmailTaken))
}

/// A user.
pub(crate) fn by_id(conn: &mut AnyConnection, id: UserId) -> Result<Option<User>, Failure> {
    let user = users::table.find(Id::from(id));
    let row = user.select(UserRow::as_select()).get_result(conn);
    row.optional()?.map(User::try_from).transpose()
}

/// Whoever goes by that name.
pub(crate) fn by_name(
    conn: &mut AnyConnection,
    identifier: &Identifier,
) -> Result<Option<User>, Failure> {
    if !can_be_stored(identifier.key()) {
        return Ok(None);
    }
    let all = users::table.select(UserRow::as_select());
    let row = match identifier {
        Identifier::Email(key) => all.filter(users::email_key.eq(key)).get_result(conn),
        Identifier::Username(key) => all.filter(users::username_key.eq(key)).get_result(conn),
    };
    row.optional()?.map(User::try_from).transpose()
}

/// Whether a text can be in the database at all: PostgreSQL has no NUL in texts, and fails when
/// asked for one. Whoever logs in under such a name is simply nobody.
pub(super) fn can_be_stored(text: &str) -> bool {
    !text.contains('\0')
}

/// Users by name, after that key, at most so many.
pub(crate) fn list(
    conn: &mut AnyConnection,
    after_key: Option<&str>,
    limit: u32,
) -> Result<Vec<User>, Failure> {
    let after = after_key.unwrap_or_default();
    let after = after.split('\0').next().unwrap_or_default();
    let rows = users::table
        .filter(users::username_key.gt(after))
        .order(users::username_key)
        .limit(i64::from(limit))
        .select(UserRow::as_select())
        .load(conn)?;
    rows.into_iter().map(User::try_from).collect()
}

#[derive(AsChangeset)]
#[diesel(table_name = users)]
struct Changes<'a> {
    username: Option<&'a str>,
    username_key: Option<&'a str>,
    full_name: Option<&'a str>,
}

/// Changes a profile. A user name that changes in more than its spelling is kept from others.
pub(crate) fn change_profile(
    tx: &mut Tx<'_>,
    change: &ProfileChange,
) -> Result<ProfileOutcome, Failure> {
    let Some(locked) = lock_user(tx.conn, change.user_id)? else {
        return Ok(ProfileOutcome::NotFound);
    };
    let username = change.username.as_ref();
    let full_name = change.full_name.as_ref();
    if username.is_none() && full_name.is_none() {
        return Ok(ProfileOutcome::Changed(Box::new(locked.user)));
    }
    let changes = Changes {
        username: username.map(Username::as_str),
        username_key: username.map(Username::key),
        full_name: full_name.map(FullName::as_str),
    };
    let old = Name::Username(locked.user.username.key());
    let new_key = username
        .map(Username::key)
        .filter(|key| *key != locked.user.username.key());
    undoable(tx.conn, |conn| {
        let written = diesel::update(users::table.find(Id::from(change.user_id)))
            .set(changes)
            .execute(conn);
        match written {
            Err(error) if is_taken(&error) => {
                return Err(Undo::With(ProfileOutcome::UsernameTaken));
            }
            other => other.map(drop)?,
        }
        if let Some(new) = new_key.map(Name::Username) {
            if names::is_reserved(conn, new, change.user_id, change.now)? {
                return Err(Undo::With(ProfileOutcome::UsernameTaken));
            }
            names::release(conn, new)?;
            names::reserve(conn, old, Some(change.user_id), change.reservation.until)?;
        }
        let user = by_id(conn, change.user_id)?.ok_or(Failure::Contended)?;
        Ok(ProfileOutcome::Changed(Box::new(user)))
    })
}
