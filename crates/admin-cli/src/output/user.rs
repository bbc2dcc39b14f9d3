//! Accounts as they are printed.

use serde::Serialize;
use token_core::id::UserId;
use token_core::time::Timestamp;
use token_core::user::{Role, User};

use super::table::{card, list, printable, time};

/// An account in JSON: the `user` of the HTTP API, and since when it is disabled.
#[derive(Serialize)]
pub struct UserJson<'a> {
    id: UserId,
    username: &'a str,
    email: &'a str,
    full_name: &'a str,
    email_verified: bool,
    roles: Vec<&'a str>,
    created_at: Timestamp,
    disabled_at: Option<Timestamp>,
}

impl<'a> UserJson<'a> {
    /// What may be seen of an account: all but its password hash.
    pub fn of(user: &'a User) -> Self {
        Self {
            id: user.id,
            username: user.username.as_str(),
            email: user.email.as_str(),
            full_name: user.full_name.as_str(),
            email_verified: user.email_verified,
            roles: user.roles.iter().map(Role::as_str).collect(),
            created_at: user.created_at,
            disabled_at: user.disabled_at,
        }
    }
}

/// A line for each account.
pub fn table(users: &[User]) -> String {
    let header = [
        "USERNAME",
        "ID",
        "EMAIL",
        "FULL NAME",
        "ROLES",
        "CREATED",
        "DISABLED",
    ];
    let row = |user: &User| {
        [
            printable(user.username.as_str()),
            user.id.to_string(),
            printable(user.email.as_str()),
            printable(user.full_name.as_str()),
            roles(user),
            time(user.created_at),
            user.disabled_at.map(time).unwrap_or_default(),
        ]
    };
    list(header, users.iter().map(row))
}

/// All there is to know of an account.
pub fn details(user: &User) -> String {
    let verified = if user.email_verified { "yes" } else { "no" };
    card([
        ("id", user.id.to_string()),
        ("username", printable(user.username.as_str())),
        ("email", printable(user.email.as_str())),
        ("email verified", verified.to_owned()),
        ("full name", printable(user.full_name.as_str())),
        ("roles", roles(user)),
        ("created", time(user.created_at)),
        (
            "disabled",
            user.disabled_at.map_or_else(|| "no".to_owned(), time),
        ),
    ])
}

fn roles(user: &User) -> String {
    let roles: Vec<&str> = user.roles.iter().map(Role::as_str).collect();
    roles.join(" ")
}

#[cfg(test)]
pub mod tests {
    use token_core::user::{Email, FullName, Username};

    use super::*;

    /// An account with everything.
    pub fn ada() -> User {
        User {
            id: "019a9d2e-0000-7000-8000-000000000001".parse().unwrap(),
            username: Username::parse("ada").unwrap(),
            email: Email::parse("ada@example.com").unwrap(),
            full_name: FullName::parse("Ada Lovelace").unwrap(),
            email_verified: false,
            roles: vec![Role::parse("admin").unwrap(), Role::parse("ops").unwrap()],
            created_at: Timestamp::from_micros(1_800_000_000_250_000),
            disabled_at: None,
        }
    }

    #[test]
    fn accounts_are_listed_and_shown() {
        let bob = User {
            username: Username::parse("bob").unwrap(),
            roles: Vec::new(),
            disabled_at: Some(Timestamp::from_unix_seconds(1_800_000_060)),
            ..ada()
        };
        insta::assert_snapshot!(table(&[ada(), bob]), @"
        USERNAME  ID                                    EMAIL            FULL NAME     ROLES      CREATED               DISABLED
        ada       019a9d2e-0000-7000-8000-000000000001  ada@example.com  Ada Lovelace  admin ops  2027-01-15T08:00:00Z
        bob       019a9d2e-0000-7000-8000-000000000001  ada@example.com  Ada Lovelace             2027-01-15T08:00:00Z  2027-01-15T08:01:00Z
        ");
        insta::assert_snapshot!(details(&ada()), @"
        id              019a9d2e-0000-7000-8000-000000000001
        username        ada
        email           ada@example.com
        email verified  no
        full name       Ada Lovelace
        roles           admin ops
        created         2027-01-15T08:00:00Z
        disabled        no
        ");
    }

    /// S114: these members and no others.
    #[test]
    fn an_account_has_the_members_of_the_http_api() {
        insta::assert_json_snapshot!(UserJson::of(&ada()), @r#"
        {
          "id": "019a9d2e-0000-7000-8000-000000000001",
          "username": "ada",
          "email": "ada@example.com",
          "full_name": "Ada Lovelace",
          "email_verified": false,
          "roles": [
            "admin",
            "ops"
          ],
          "created_at": "2027-01-15T08:00:00.25Z",
          "disabled_at": null
        }
        "#);
    }
}
