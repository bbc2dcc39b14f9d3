//! What the deliberate defects do at the ports.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use pollster::block_on;
use storage_diesel::Storage;
use token_core::id::UserId;
use token_core::password::PasswordHash;
use token_core::store::{EndSession, FeedCursor, FeedPage, OpenSession, SessionStore};
use token_core::time::{Clock, Timestamp};
use token_core::token::rotation::{Refusal, Rotation, RotationOutcome};

use crate::clock::SimClock;
use crate::database::{Database, key};
use crate::defect::Defect;

/// A defect at one node, or none.
pub struct Sabotage {
    defect: Option<Defect>,
    database: Arc<Database>,
    clock: Arc<SimClock>,
    storage: Arc<Storage>,
    /// Ends that were answered and are not written yet.
    promised: Mutex<Vec<EndSession>>,
}

impl Sabotage {
    pub fn new(
        defect: Option<Defect>,
        database: Arc<Database>,
        clock: Arc<SimClock>,
        storage: Arc<Storage>,
    ) -> Self {
        Self {
            defect,
            database,
            clock,
            storage,
            promised: Mutex::default(),
        }
    }

    fn is(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    pub fn opening(&self, mut open: OpenSession) -> OpenSession {
        if self.is(Defect::OpenWithoutHash) {
            let rows = self.database.rows();
            if let Some(user) = rows.users.get(&key(open.session.user_id)) {
                open.verified_hash = PasswordHash::from_stored(user.password_hash.clone());
            }
        }
        open
    }

    /// What is asked of storage in place of a rotation.
    pub fn rotation(&self, mut rotation: Rotation) -> Rotation {
        if self.is(Defect::RetryWithNewNow) {
            rotation.now = self.clock.now();
        }
        if self.is(Defect::WriteWithoutCondition) {
            let (digest, id) = (
                hex(rotation.presented_digest.as_bytes()),
                rotation.presented.session_id,
            );
            self.database.meddle(&format!(
                "UPDATE sessions SET refresh_digest = x'{digest}' WHERE id = x'{}' AND generation > 0",
                key(id)
            ));
        }
        rotation
    }

    /// What is made of a rotation's outcome.
    pub fn rotated(&self, rotation: &Rotation, outcome: RotationOutcome) -> RotationOutcome {
        let id = key(rotation.presented.session_id);
        let reused = matches!(outcome, RotationOutcome::Refused(Refusal::Reused));
        let meddle = |set: &str| {
            self.database
                .meddle(&format!("UPDATE sessions SET {set} WHERE id = x'{id}'"));
        };
        match self.defect {
            Some(Defect::ReuseRolledBack) if reused => meddle("ended_at = NULL, end_reason = NULL"),
            Some(Defect::ReuseUnaudited) if reused => self.database.meddle(&format!(
                "DELETE FROM audit_events WHERE session_id = x'{id}'"
            )),
            Some(Defect::ReplayExtendsWindow)
                if matches!(outcome, RotationOutcome::Replayed(_)) =>
            {
                meddle(&format!("rotated_at = {}", rotation.now.as_micros()));
            }
            Some(Defect::AbsoluteEndMoves) if matches!(outcome, RotationOutcome::Advanced(_)) => {
                meddle("max_expires_at = max_expires_at + 1000000");
            }
            Some(Defect::RecoveryForgotten) if matches!(outcome, RotationOutcome::Recovered(_)) => {
                meddle("recovered_generation = NULL");
            }
            Some(Defect::WrittenTwice) if matches!(outcome, RotationOutcome::Replayed(_)) => {
                meddle("generation = generation + 1, refresh_digest = randomblob(32)");
            }
            Some(_) | None => {}
        }
        outcome
    }

    /// Whether an end is answered now and written when the next page of the feed is read.
    pub fn answers_before_commit(&self, end: &EndSession) -> bool {
        if !self.is(Defect::AnswerBeforeCommit) {
            return false;
        }
        let mut promised = self.promised.lock().unwrap_or_else(PoisonError::into_inner);
        promised.push(end.clone());
        true
    }

    pub fn disabled(&self, id: UserId) {
        if self.is(Defect::DisabledKeepsSessions) {
            self.database.meddle(&format!(
                "UPDATE sessions SET ended_at = NULL, end_reason = NULL \
                 WHERE end_reason = 'user_disabled' AND user_id = x'{}'",
                key(id)
            ));
        }
    }

    pub fn polled(&self, cursor: FeedCursor, mut page: FeedPage) -> FeedPage {
        let promised =
            std::mem::take(&mut *self.promised.lock().unwrap_or_else(PoisonError::into_inner));
        for end in promised {
            drop(block_on(self.storage.end_session(end)));
        }
        if self.is(Defect::RevocationNotReloaded) && cursor == FeedCursor::START {
            page.ended.clear();
        }
        if self.is(Defect::PollForgets) {
            let kept: BTreeSet<_> = page.ended.iter().map(|(id, _)| *id).collect();
            if let Some(last) = kept.last() {
                page.ended.retain(|(id, _)| id != last);
            }
        }
        page
    }

    pub fn heartbeat(&self, heartbeat: Option<Timestamp>) -> Option<Timestamp> {
        heartbeat.filter(|_| !self.is(Defect::OutageForgotten))
    }
}

pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
