//! [`UserStore`].

use token_core::id::UserId;
use token_core::password::PasswordHash;
use token_core::store::{
    ChangePassword, CreateOutcome, DeleteUser, NewUser, PasswordOutcome, ProfileChange,
    ProfileOutcome, StoreFuture, UserStore,
};
use token_core::time::Timestamp;
use token_core::user::{Credentials, Identifier, User};

use crate::queries::{accounts, passwords, users};
use crate::storage::Storage;

impl UserStore for Storage {
    fn create_user(&self, user: NewUser, now: Timestamp) -> StoreFuture<'_, CreateOutcome> {
        self.write(move |tx| users::create(tx, &user, now))
    }

    fn credentials(&self, identifier: Identifier) -> StoreFuture<'_, Option<Credentials>> {
        self.read(move |conn| passwords::by_name(conn, &identifier))
    }

    fn credentials_of(&self, id: UserId) -> StoreFuture<'_, Option<Credentials>> {
        self.read(move |conn| passwords::by_id(conn, id))
    }

    fn user(&self, id: UserId) -> StoreFuture<'_, Option<User>> {
        self.read(move |conn| users::by_id(conn, id))
    }

    fn find_user(&self, identifier: Identifier) -> StoreFuture<'_, Option<User>> {
        self.read(move |conn| users::by_name(conn, &identifier))
    }

    fn users(&self, after_key: Option<String>, limit: u32) -> StoreFuture<'_, Vec<User>> {
        self.read(move |conn| users::list(conn, after_key.as_deref(), limit))
    }

    fn change_profile(&self, change: ProfileChange) -> StoreFuture<'_, ProfileOutcome> {
        self.write(move |tx| users::change_profile(tx, &change))
    }

    fn change_password(&self, change: ChangePassword) -> StoreFuture<'_, PasswordOutcome> {
        self.write(move |tx| passwords::change(tx, &change))
    }

    fn renew_hash(
        &self,
        user_id: UserId,
        old: PasswordHash,
        new: PasswordHash,
    ) -> StoreFuture<'_, bool> {
        self.write(move |tx| passwords::renew(tx.conn, user_id, &old, &new))
    }

    fn disable_user(&self, id: UserId, now: Timestamp) -> StoreFuture<'_, bool> {
        self.write(move |tx| accounts::disable(tx, id, now))
    }

    fn enable_user(&self, id: UserId) -> StoreFuture<'_, bool> {
        self.write(move |tx| accounts::enable(tx.conn, id))
    }

    fn delete_user(&self, delete: DeleteUser) -> StoreFuture<'_, bool> {
        self.write(move |tx| accounts::delete(tx, &delete))
    }
}
