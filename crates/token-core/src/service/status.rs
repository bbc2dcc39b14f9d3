//! Status lists: which sessions have ended, for verifiers elsewhere that keep it for a while.

use super::Service;
use crate::store::StoreError;
use crate::token::status_list::{SignedStatusList, StatusList};

/// What there is of a status list.
#[derive(Debug, Clone)]
pub enum StatusListFound {
    /// The list, as the database has it.
    Signed(SignedStatusList),
    /// No session is in it; this is the highest list that a session is in, if one is in any.
    NotHandedOut(Option<u32>),
}

impl Service {
    /// Reads and signs a status list, with the key that signs access tokens. It has the sessions
    /// that ended within the revocation retention: tokens of those before have expired by
    /// themselves.
    pub async fn status_list(&self, list: u32) -> Result<StatusListFound, StoreError> {
        let now = self.now();
        let since = now.minus(self.policy.revocation_retention());
        let page = self.parts.store.status_list(list, since).await?;
        if page.highest.is_none_or(|highest| list > highest) {
            return Ok(StatusListFound::NotHandedOut(page.highest));
        }
        let keys = self.keys();
        let signed = StatusList::new(page.ended).sign(keys.access(), self.issuer(), list, now);
        Ok(StatusListFound::Signed(signed))
    }
}
