//! What users do with their own account.

use super::{Authenticated, PasswordError, Service};
use crate::password::PresentedPassword;
use crate::session::ClientFacts;
use crate::store::{DeleteUser, NameReservation, ProfileChange, ProfileOutcome, StoreError};
use crate::time::Timestamp;
use crate::user::{FullName, User, Username};

/// Why a profile was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The user name is somebody else's.
    #[error("the user name is taken")]
    UsernameTaken,
    /// The user is gone.
    #[error("no such user")]
    NotFound,
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Service {
    /// Changes a user's own profile.
    pub async fn change_profile(
        &self,
        caller: &Authenticated,
        username: Option<Username>,
        full_name: Option<FullName>,
    ) -> Result<User, ProfileError> {
        let now = self.now();
        let reservation = self.reservation(now);
        let user_id = caller.user.id;
        let change = ProfileChange {
            user_id,
            username,
            full_name,
            reservation,
            now,
        };
        match self.parts.store.change_profile(change).await? {
            ProfileOutcome::Changed(user) => Ok(*user),
            ProfileOutcome::UsernameTaken => Err(ProfileError::UsernameTaken),
            ProfileOutcome::NotFound => Err(ProfileError::NotFound),
        }
    }

    /// Deletes a user's own account, on proof of the password.
    pub async fn delete_account(
        &self,
        caller: &Authenticated,
        password: PresentedPassword,
        client: &ClientFacts,
    ) -> Result<(), PasswordError> {
        let user_id = caller.user.id;
        // Twice, should the hash be renewed at another cost between proof and deletion.
        for _ in 0..2 {
            let proven = self
                .prove_password(user_id, password.clone(), client.ip)
                .await?;
            let now = self.now();
            let delete = DeleteUser {
                user_id,
                verified_hash: Some(proven),
                reservation: self.reservation(now),
                now,
            };
            if self.parts.store.delete_user(delete).await? {
                return Ok(());
            }
        }
        Err(PasswordError::PasswordIncorrect)
    }

    /// A name that becomes free stays reserved while access tokens that bear it are accepted.
    fn reservation(&self, now: Timestamp) -> NameReservation {
        NameReservation {
            until: now.plus(self.policy.access_is_accepted_for()),
        }
    }
}
