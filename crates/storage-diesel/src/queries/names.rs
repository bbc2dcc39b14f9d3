//! Names that became free a moment ago, and are kept from others while access tokens that bear
//! them may still be accepted somewhere.

use diesel::dsl::exists;
use diesel::prelude::*;
use token_core::id::UserId;
use token_core::time::Timestamp;

use crate::columns::{Id, Time};
use crate::connection::AnyConnection;
use crate::error::Failure;
use crate::schema::name_reservations::{self as reservations, table};

/// What a name is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Name<'a> {
    Username(&'a str),
    Email(&'a str),
}

impl<'a> Name<'a> {
    const fn kind(self) -> &'static str {
        match self {
            Self::Username(_) => "username",
            Self::Email(_) => "email",
        }
    }

    const fn key(self) -> &'a str {
        match self {
            Self::Username(key) | Self::Email(key) => key,
        }
    }
}

/// Whether the name is kept from `user`, which it is not if they gave it up themselves.
pub(super) fn is_reserved(
    conn: &mut AnyConnection,
    name: Name<'_>,
    user: UserId,
    now: Timestamp,
) -> Result<bool, Failure> {
    let somebody_elses = reservations::user_id
        .is_null()
        .or(reservations::user_id.ne(Id::from(user)));
    Ok(diesel::select(exists(
        table
            .find((name.kind(), name.key()))
            .filter(reservations::reserved_until.gt(Time::from(now)))
            .filter(somebody_elses),
    ))
    .get_result(conn)?)
}

/// Keeps a name that becomes free. `owner` may take it back; nobody may if there is none.
pub(super) fn reserve(
    conn: &mut AnyConnection,
    name: Name<'_>,
    owner: Option<UserId>,
    until: Timestamp,
) -> Result<(), Failure> {
    release(conn, name)?;
    diesel::insert_into(table)
        .values((
            reservations::kind.eq(name.kind()),
            reservations::name_key.eq(name.key()),
            reservations::user_id.eq(owner.map(Id::from)),
            reservations::reserved_until.eq(Time::from(until)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Forgets the reservation of a name, if there is one.
pub(super) fn release(conn: &mut AnyConnection, name: Name<'_>) -> Result<(), Failure> {
    diesel::delete(table.find((name.kind(), name.key()))).execute(conn)?;
    Ok(())
}
