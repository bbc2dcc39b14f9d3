//! The heartbeat: one row that says when a refresh token was last made, for whoever starts next. It
//! is written along with a session, in the same transaction, but not more than once a second, so
//! that what it says is at the most a second too early.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diesel::QueryResult;
use token_core::time::Timestamp;

use crate::connection::AnyConnection;
use crate::queries::feed;

/// How long one beat does for those that come after it.
const APART: Duration = Duration::from_secs(1);

/// The last beat of this process that was committed.
#[derive(Debug, Default)]
pub(crate) struct Heartbeat(Mutex<Option<Timestamp>>);

impl Heartbeat {
    /// Writes it in a transaction that made a refresh token at `made_at`, if it is due. The answer is
    /// for [`Self::committed`].
    pub(crate) fn write(
        &self,
        conn: &mut AnyConnection,
        made_at: Option<Timestamp>,
    ) -> QueryResult<Beat> {
        let due = made_at.filter(|at| self.is_due(*at));
        let written = match due {
            Some(at) => feed::beat(conn, at)?,
            None => false,
        };
        Ok(Beat(due.filter(|_| written)))
    }

    /// The transaction was committed.
    pub(crate) fn committed(&self, beat: Beat) {
        if let Beat(Some(at)) = beat {
            *self.last() = Some(at);
        }
    }

    /// Whether the last one does not do for a token of that time. Neither does one from the future,
    /// which is what a clock leaves behind that is set back.
    fn is_due(&self, at: Timestamp) -> bool {
        let last = *self.last();
        last.is_none_or(|last| at < last || at.since(last) >= APART)
    }

    fn last(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a transaction wrote.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub(crate) struct Beat(Option<Timestamp>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_beats_at_most_once_a_second() {
        let at = |millis: u64| Timestamp::from_unix_seconds(9).plus(Duration::from_millis(millis));
        let heartbeat = Heartbeat::default();
        assert!(heartbeat.is_due(at(600)));
        heartbeat.committed(Beat(None));
        assert!(heartbeat.is_due(at(600)), "nothing was written");
        heartbeat.committed(Beat(Some(at(600))));
        for (millis, due) in [(600, false), (1_599, false), (1_600, true), (599, true)] {
            assert_eq!(heartbeat.is_due(at(millis)), due, "{millis}");
        }
    }
}
