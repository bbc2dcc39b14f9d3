//! Writes down what is asked and answered.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::{Answer, Asked, Event, Row, Rows};
use crate::database::Store;
use crate::reply::{Call, Reply};

/// What was asked and answered so far.
#[derive(Debug)]
pub struct Recorder {
    start: Instant,
    events: Mutex<Vec<Event>>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            events: Mutex::default(),
        }
    }
}

impl Recorder {
    /// Sends a request to a node, and writes down what became of it; also how long it took.
    pub fn send(&self, node: usize, asked: Asked, call: Call) -> (Option<Reply>, Duration) {
        let invoked = self.start.elapsed();
        let reply = call.try_send().ok();
        let returned = self.start.elapsed();
        let event = Event {
            node,
            invoked,
            returned,
            asked,
            answer: Answer::of(reply.as_ref()),
        };
        let took = event.took();
        self.add(event);
        (reply, took)
    }

    /// Reads the users and sessions that the database has.
    ///
    /// # Panics
    /// Where it cannot be read.
    pub fn look(&self, store: &Store) -> Rows {
        let invoked = self.start.elapsed();
        let rows = Rows::read(store).unwrap_or_else(|error| panic!("{error}"));
        self.add(Event {
            node: 0,
            invoked,
            returned: self.start.elapsed(),
            asked: Asked::Rows,
            answer: Answer::Rows(rows.clone()),
        });
        rows
    }

    /// All events, in the order in which their answers came.
    ///
    /// # Panics
    /// Where somebody panicked while writing.
    pub fn events(&self) -> Vec<Event> {
        self.events.lock().expect("events").clone()
    }

    fn add(&self, event: Event) {
        self.events.lock().expect("events").push(event);
    }
}

impl Rows {
    /// Reads them.
    ///
    /// # Errors
    /// Where the database refuses.
    pub fn read(store: &Store) -> Result<Self, String> {
        let id = store.id_text("id");
        let digest = store.hex("refresh_digest");
        let row = format!(
            "{id} || ' ' || generation || ' ' || lower({digest}) || ' ' || (ended_at IS NOT NULL)"
        );
        let sessions = store.try_texts(&row, "FROM sessions")?;
        let sessions = sessions.iter().filter_map(|text| {
            let mut parts = text.split(' ');
            let id = parts.next()?.to_owned();
            let row = Row {
                generation: parts.next()?.parse().ok()?,
                digest: parts.next()?.to_owned(),
                ended: ["1", "true"].contains(&parts.next()?),
            };
            Some((id, row))
        });
        let users = store.try_texts("username", "FROM users")?;
        Ok(Self {
            sessions: sessions.collect(),
            users: users.into_iter().collect(),
        })
    }
}
