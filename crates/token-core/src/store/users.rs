//! Storage of users.

use super::StoreFuture;
use crate::id::UserId;
use crate::password::PasswordHash;
use crate::session::Session;
use crate::time::Timestamp;
use crate::token::status_list::StatusPlace;
use crate::user::{Credentials, FullName, Identifier, User, Username};

/// Creates an account.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The account; `disabled_at` is `None`.
    pub user: User,
    /// The hash of its password.
    pub password_hash: PasswordHash,
}

/// What became of a [`NewUser`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateOutcome {
    /// The account exists.
    Created,
    /// Somebody has that user name, or had it until a moment ago.
    UsernameTaken,
    /// Somebody has that address, or had it until a moment ago.
    EmailTaken,
}

/// How long a name that becomes free is kept from others: while access tokens that bear it may
/// still be accepted somewhere.
#[derive(Debug, Clone, Copy)]
pub struct NameReservation {
    /// The moment from which the name is free.
    pub until: Timestamp,
}

/// Changes what a user may change of their account.
#[derive(Debug, Clone)]
pub struct ProfileChange {
    /// Whose.
    pub user_id: UserId,
    /// The new user name, if it changes.
    pub username: Option<Username>,
    /// The new full name, if it changes.
    pub full_name: Option<FullName>,
    /// What happens to the old user name.
    pub reservation: NameReservation,
    /// When.
    pub now: Timestamp,
}

/// What became of a [`ProfileChange`].
#[derive(Debug, Clone)]
pub enum ProfileOutcome {
    /// Done; this is the user now.
    Changed(Box<User>),
    /// Somebody else has that user name, or had it until a moment ago.
    UsernameTaken,
    /// No such user.
    NotFound,
}

/// Replaces a password and ends every session of its user, in one transaction.
#[derive(Debug, Clone)]
pub struct ChangePassword {
    /// Whose.
    pub user_id: UserId,
    /// Only where this is still the hash, if given.
    pub verified_hash: Option<PasswordHash>,
    /// The new hash.
    pub new_hash: PasswordHash,
    /// A session to open in the same transaction, if the user is not disabled.
    pub fresh_session: Option<Session>,
    /// When.
    pub now: Timestamp,
}

/// What became of a [`ChangePassword`].
#[derive(Debug, Clone)]
pub enum PasswordOutcome {
    /// Done; this is the user now, and the place of the fresh session's status if there is one.
    Changed(Box<User>, Option<StatusPlace>),
    /// The hash has changed since it was verified, the user is gone, or a session was asked for
    /// and the user is disabled. Nothing was changed.
    Refused,
}

/// Deletes an account and ends its sessions, in one transaction.
#[derive(Debug, Clone)]
pub struct DeleteUser {
    /// Whose.
    pub user_id: UserId,
    /// Only where this is still the hash, if given.
    pub verified_hash: Option<PasswordHash>,
    /// What happens to its names.
    pub reservation: NameReservation,
    /// When.
    pub now: Timestamp,
}

/// Storage of users.
pub trait UserStore: Send + Sync {
    /// Creates an account if its names are free.
    fn create_user(&self, user: NewUser, now: Timestamp) -> StoreFuture<'_, CreateOutcome>;

    /// The credentials of whoever goes by that name.
    fn credentials(&self, identifier: Identifier) -> StoreFuture<'_, Option<Credentials>>;

    /// The credentials of a user.
    fn credentials_of(&self, id: UserId) -> StoreFuture<'_, Option<Credentials>>;

    /// A user.
    fn user(&self, id: UserId) -> StoreFuture<'_, Option<User>>;

    /// Whoever goes by that name.
    fn find_user(&self, identifier: Identifier) -> StoreFuture<'_, Option<User>>;

    /// All users, by user name, after that key and at most so many.
    fn users(&self, after_key: Option<String>, limit: u32) -> StoreFuture<'_, Vec<User>>;

    /// Changes a profile.
    fn change_profile(&self, change: ProfileChange) -> StoreFuture<'_, ProfileOutcome>;

    /// Replaces a password; the user's sessions end with `password_changed`.
    fn change_password(&self, change: ChangePassword) -> StoreFuture<'_, PasswordOutcome>;

    /// Writes the same password's hash at another cost, where the old hash still stands. Ends
    /// nothing. Says whether it was written.
    fn renew_hash(
        &self,
        user_id: UserId,
        old: PasswordHash,
        new: PasswordHash,
    ) -> StoreFuture<'_, bool>;

    /// Disables a user and ends their sessions with `user_disabled`; `false` if there
    /// is no such user. Disabling twice keeps the first date.
    fn disable_user(&self, id: UserId, now: Timestamp) -> StoreFuture<'_, bool>;

    /// Enables a user; `false` if there is no such user. Ended sessions stay ended.
    fn enable_user(&self, id: UserId) -> StoreFuture<'_, bool>;

    /// Deletes a user; the sessions end with `user_deleted` and stay. `false` if there
    /// is no such user or the hash has changed.
    fn delete_user(&self, delete: DeleteUser) -> StoreFuture<'_, bool>;
}
