//! A row of `users`, without its password hash: who does not ask for the hash does not read it.

use diesel::prelude::{Insertable, Queryable, Selectable};
use token_core::user::{Email, FullName, Role, User, Username};

use super::{from_json, to_json};
use crate::columns::{Id, Time};
use crate::error::Failure;
use crate::schema::users;

/// See [`User`].
#[derive(Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = users)]
#[diesel(treat_none_as_default_value = false)]
pub(crate) struct UserRow {
    pub(crate) id: Id,
    username: String,
    username_key: String,
    email: String,
    email_key: String,
    full_name: String,
    email_verified: bool,
    roles: String,
    created_at: Time,
    disabled_at: Option<Time>,
}

impl From<&User> for UserRow {
    fn from(user: &User) -> Self {
        Self {
            id: user.id.into(),
            username: user.username.as_str().to_owned(),
            username_key: user.username.key().to_owned(),
            email: user.email.as_str().to_owned(),
            email_key: user.email.key().to_owned(),
            full_name: user.full_name.as_str().to_owned(),
            email_verified: user.email_verified,
            roles: to_json(user.roles.iter().map(|role| role.as_str().to_owned())),
            created_at: user.created_at.into(),
            disabled_at: user.disabled_at.map(Time::from),
        }
    }
}

impl TryFrom<UserRow> for User {
    type Error = Failure;

    fn try_from(row: UserRow) -> Result<Self, Failure> {
        let roles = from_json(&row.roles, "users.roles")?
            .iter()
            .map(|role| Role::parse(role))
            .collect::<Result<_, _>>()
            .map_err(|_| Failure::Damaged("users.roles"))?;
        Ok(Self {
            id: row.id.into(),
            username: Username::from_stored(row.username, row.username_key),
            email: Email::from_stored(row.email, row.email_key),
            full_name: FullName::from_stored(row.full_name),
            email_verified: row.email_verified,
            roles,
            created_at: row.created_at.into(),
            disabled_at: row.disabled_at.map(Into::into),
        })
    }
}
