//! The stream itself: what a follower is told, and when.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::rt::time::{Instant as Tick, Interval, interval_at};
use actix_web::web::Bytes;
use futures_util::stream::{self, Stream};
use serde::Serialize;
use serde_json::json;
use token_core::id::SessionId;
use token_core::service::{EndedSessions, Knowledge, Service};
use tokio::time::MissedTickBehavior;

use crate::streams::Place;

/// How often a follower is told how fresh its view is.
const BEAT: Duration = Duration::from_secs(1);
/// The most sessions in one event: 40 KB.
const BATCH: usize = 1_000;

/// One follower.
pub(super) struct Feed {
    pub(super) service: Arc<Service>,
    pub(super) sessions: EndedSessions,
    pub(super) place: Place,
    /// The session of the client that follows: with it ends the stream.
    pub(super) watched: SessionId,
    /// The stream ends then, so that its reader proves again who it is.
    pub(super) until: Instant,
}

/// A feed on its way.
struct Telling {
    feed: Feed,
    beats: Interval,
    /// The next `fresh` is due.
    is_due: bool,
    /// Some of what was known then is told, and not all of it yet.
    is_reading: bool,
    /// What was known before the first of it was read.
    knowledge: Option<Knowledge>,
}

#[derive(Serialize)]
struct Ended {
    sessions: Vec<SessionId>,
}

impl Feed {
    /// What the follower reads: all that it may not know at once, and how fresh that is; then
    /// every end as it becomes known, and a heartbeat.
    pub(super) fn stream(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        let mut beats = interval_at(Tick::now() + BEAT, BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let telling = Telling {
            feed: self,
            beats,
            is_due: true,
            is_reading: false,
            knowledge: None,
        };
        stream::unfold(telling, |mut telling| async move {
            let event = telling.next().await?;
            Some((Ok(event), telling))
        })
    }
}

impl Telling {
    /// The next event; `None` when that is the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            self.feed.place.asked();
            if self.is_over() {
                return None;
            }
            // Asked before the sessions are read: what came since then may not have been.
            if !std::mem::replace(&mut self.is_reading, true) {
                self.knowledge = self.feed.service.knowledge_of_ends();
            }
            match self.feed.sessions.next(BATCH) {
                Ok(sessions) if sessions.is_empty() => {}
                Ok(sessions) => return Some(self.event("ended", &Ended { sessions })),
                Err(error) => {
                    tracing::warn!(%error, "a follower of the ended sessions is cut off");
                    return None;
                }
            }
            self.is_reading = false;
            if std::mem::take(&mut self.is_due) {
                return Some(self.beat());
            }
            tokio::select! {
                () = self.feed.sessions.changed() => {}
                _ = self.beats.tick() => self.is_due = true,
            }
        }
    }

    fn is_over(&self) -> bool {
        self.feed.until <= Instant::now() || self.feed.service.is_known_ended(self.feed.watched)
    }

    /// How fresh the follower's view is, now that it has been told everything that was known then.
    fn beat(&mut self) -> Bytes {
        let Some(knowledge) = self.knowledge else {
            return self.event("stale", &json!({}));
        };
        self.feed.sessions.told(knowledge);
        let age = self.feed.service.age_of(knowledge);
        // Rounded up: never younger than it is.
        let age = age.as_millis().saturating_add(1);
        let age = u64::try_from(age).unwrap_or(u64::MAX);
        self.event("fresh", &json!({ "age_ms": age }))
    }

    /// An event, as the WHATWG writes them. JSON has no line breaks of its own.
    fn event(&self, kind: &str, data: &impl Serialize) -> Bytes {
        let id = self.feed.sessions.heard().to_cursor();
        let data = serde_json::to_string(data).unwrap_or_default();
        format!("event: {kind}\nid: {id}\ndata: {data}\n\n").into()
    }
}
