//! Password change: every session ends, and a fresh one begins.

use std::net::IpAddr;

use super::{Authenticated, LoginError, Service, TokenPair};
use crate::id::UserId;
use crate::password::{
    CandidatePassword, NewPasswordError, PasswordHash, PasswordRejected, PresentedPassword,
    Verification,
};
use crate::secret::RefreshSecret;
use crate::session::{ClientFacts, NewSession, Session};
use crate::store::{ChangePassword, PasswordOutcome, StoreError};
use crate::throttle::AccountKey;

/// Why a password was not changed, or an account not deleted.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// The password is wrong, or was changed meanwhile.
    #[error("the password is wrong")]
    PasswordIncorrect,
    /// The new password is too easy to guess.
    #[error("the new password {0}")]
    Rejected(PasswordRejected),
    /// The passwords could not be checked or hashed.
    #[error(transparent)]
    Check(#[from] LoginError),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<NewPasswordError> for PasswordError {
    fn from(error: NewPasswordError) -> Self {
        match error {
            NewPasswordError::Busy(busy) => Self::Check(busy.into()),
            NewPasswordError::Rejected(rejected) => Self::Rejected(rejected),
        }
    }
}

impl Service {
    /// Changes the caller's password on proof of the current one. All of the user's sessions end,
    /// the caller's too, and the caller gets a fresh one of the same transport and
    /// client.
    pub async fn change_password(
        &self,
        caller: &Authenticated,
        current: PresentedPassword,
        new: CandidatePassword,
        client: ClientFacts,
    ) -> Result<TokenPair, PasswordError> {
        let user_id = caller.user.id;
        let address = client.ip;
        let proven = self
            .prove_password(user_id, current.clone(), address)
            .await?;
        let new_hash = self.parts.hashing.hash(new).await?;
        let keys = self.keys();
        let now = self.now();
        let secret = RefreshSecret::generate(self.parts.entropy.as_ref());
        let client = ClientFacts {
            label: caller.session.client.label.clone(),
            ..client
        };
        let fresh = NewSession {
            user_id,
            transport: caller.session.transport,
            remember: caller.session.remember,
            client,
        };
        let session = Session {
            client_id: caller.session.client_id.clone(),
            scope: caller.session.scope.clone(),
            ..self.new_session(fresh, &secret, &keys, now)
        };
        let change = |proven| ChangePassword {
            user_id,
            verified_hash: Some(proven),
            new_hash: new_hash.clone(),
            fresh_session: Some(session.clone()),
            now,
        };
        let store = &self.parts.store;
        let mut outcome = store.change_password(change(proven)).await?;
        if matches!(outcome, PasswordOutcome::Refused) {
            // Another hash by now: of another password, or the same one's at another cost.
            let proven = self.prove_password(user_id, current, address).await?;
            outcome = store.change_password(change(proven)).await?;
        }
        match outcome {
            PasswordOutcome::Refused => Err(PasswordError::PasswordIncorrect),
            PasswordOutcome::Changed(user) => self
                .pair(&keys, session, &user, &secret, now)
                .ok_or_else(|| StoreError::Damaged("the active key vanished".to_owned()).into()),
        }
    }

    /// Checks the password of somebody who is logged in, and gives the hash that it fits.
    pub(super) async fn prove_password(
        &self,
        user_id: UserId,
        password: PresentedPassword,
        address: Option<IpAddr>,
    ) -> Result<PasswordHash, PasswordError> {
        let credentials = self.parts.store.credentials_of(user_id).await?;
        let stored = credentials.map(|c| c.password_hash);
        let account = AccountKey::User(user_id);
        let verification = self
            .check_password(&account, address, password, stored.clone())
            .await?;
        match (verification, stored) {
            (Verification::Right { .. }, Some(proven)) => {
                self.parts.throttle.succeeded(&account, address);
                Ok(proven)
            }
            (Verification::Right { .. }, None) | (Verification::Wrong, _) => {
                Err(PasswordError::PasswordIncorrect)
            }
        }
    }
}
