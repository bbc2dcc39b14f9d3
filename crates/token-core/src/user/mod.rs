//! Users: what an account is, and the names it goes by.

mod email;
mod full_name;
mod identifier;
mod role;
pub(crate) mod text;
mod username;

pub use email::{Email, InvalidEmail};
pub use full_name::{FullName, InvalidFullName};
pub use identifier::Identifier;
pub use role::{InvalidRole, Role};
pub use username::{InvalidUsername, Username};

use crate::id::UserId;
use crate::password::PasswordHash;
use crate::time::Timestamp;

/// An account, without its password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The `sub` claim.
    pub id: UserId,
    /// The name to show and to log in with.
    pub username: Username,
    /// The address to log in with.
    pub email: Email,
    /// The name of the person.
    pub full_name: FullName,
    /// Whether the address was proven to be the user's.
    pub email_verified: bool,
    /// The `roles` claim (RFC 9068 §2.2.3.1).
    pub roles: Vec<Role>,
    /// When the account was made.
    pub created_at: Timestamp,
    /// Since when the account is disabled, if it is.
    pub disabled_at: Option<Timestamp>,
}

impl User {
    /// Whether sessions of this user may live.
    pub const fn is_active(&self) -> bool {
        self.disabled_at.is_none()
    }
}

/// What a login needs to know of an account before it knows that the caller owns it.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Whose credentials these are.
    pub user_id: UserId,
    /// The stored hash; possibly damaged, so it is only parsed when it is verified.
    pub password_hash: PasswordHash,
    /// Whether sessions of this user may live.
    pub is_active: bool,
}
