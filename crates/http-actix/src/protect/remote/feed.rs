//! Follows the feed of ended sessions: merges what it says into the set that requests are held
//! against, and comes back when the connection breaks.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use token_core::id::SessionId;
use token_core::random::{self, SystemEntropy};
use token_core::revocation::RevocationSet;
use token_core::secret::SecretString;
use token_core::time::Clock;

use super::http::{Http, Stream};
use super::workers::Stop;
use crate::protect::events::{Event, EventStream};

/// The pause after the first failure, where the server did not name one.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How much is read at once.
const CHUNK: usize = 16 * 1024;
/// The longest cursor that is kept; a longer one is none of ours.
const LONGEST_CURSOR: usize = 256;

/// The `Authorization` header of a registered client.
pub(super) struct Credentials(SecretString);

/// All but the unreserved characters of RFC 3986 §2.3 is encoded.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl Credentials {
    /// Both parts are form-encoded before they are put together (RFC 6749 §2.3.1).
    pub(super) fn new(client_id: &str, client_secret: &str) -> Self {
        let encoded = |text| utf8_percent_encode(text, ENCODED);
        let pair = format!("{}:{}", encoded(client_id), encoded(client_secret));
        Self(format!("Basic {}", STANDARD.encode(pair)).into())
    }
}

/// A feed, and where what it says goes.
pub(super) struct Feed {
    http: Arc<Http>,
    url: String,
    credentials: Credentials,
    set: Arc<RevocationSet>,
    clock: Arc<dyn Clock>,
}

/// What is known across connections.
#[derive(Default)]
struct Position {
    /// Where to go on; empty for everything from the start.
    cursor: String,
    /// The pause that the server asks for.
    retry: Option<Duration>,
    /// How many connections have failed since the last that was of use.
    failures: u32,
}

/// `data` of an `ended` event.
#[derive(Deserialize)]
struct Ended {
    sessions: Vec<SessionId>,
}

/// `data` of a `fresh` event.
#[derive(Deserialize)]
struct Fresh {
    age_ms: u64,
}

impl Feed {
    pub(super) const fn new(
        http: Arc<Http>,
        url: String,
        credentials: Credentials,
        set: Arc<RevocationSet>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            http,
            url,
            credentials,
            set,
            clock,
        }
    }

    /// Follows it until told to stop.
    pub(super) fn follow(&self, stop: &Stop) {
        let mut position = Position::default();
        while !stop.is_raised() {
            let broken = self.follow_once(&mut position, stop);
            if stop.is_raised() {
                return;
            }
            tracing::warn!(url = %self.url, reason = %broken, "the feed of ended sessions broke off");
            if stop.wait(position.pause()) {
                return;
            }
            self.set.expire(self.clock.monotonic());
        }
    }

    /// Follows it until the connection ends, and says why it did.
    fn follow_once(&self, position: &mut Position, stop: &Stop) -> String {
        position.failures = position.failures.saturating_add(1);
        let authorization = self.credentials.0.expose();
        let stream = self
            .http
            .event_stream(&self.url, authorization, &position.cursor);
        let mut stream: Stream = match stream {
            Ok(stream) => stream,
            Err(error) => return error.to_string(),
        };
        let mut events = EventStream::default();
        let mut chunk = vec![0; CHUNK];
        while !stop.is_raised() {
            let read = match stream.read(&mut chunk) {
                Ok(0) => return "the server closed the connection".to_owned(),
                Ok(read) => read,
                Err(error) => return error.to_string(),
            };
            let Ok(complete) = events.push(chunk.get(..read).unwrap_or_default()) else {
                position.cursor.clear();
                return "an event is too long".to_owned();
            };
            position.retry = events.retry().or(position.retry);
            for event in complete {
                if let Err(error) = self.take(&event, position) {
                    // Nothing of what it said since the last good event can be relied on.
                    position.cursor.clear();
                    return format!("an event cannot be read: {error}");
                }
            }
            self.set.expire(self.clock.monotonic());
        }
        String::new()
    }

    fn take(&self, event: &Event, position: &mut Position) -> Result<(), serde_json::Error> {
        let monotonic = self.clock.monotonic();
        match event.kind.as_str() {
            "ended" => {
                let ended: Ended = serde_json::from_str(&event.data)?;
                // When is not said: it is remembered from now on, which is longer than needed.
                let now = self.clock.now();
                for id in ended.sessions {
                    self.set.insert(id, now, now, monotonic);
                }
            }
            "fresh" => {
                let fresh: Fresh = serde_json::from_str(&event.data)?;
                // All up to here has been taken: only now is it a place to go on from. One that
                // began before this clock did says nothing that could be written down.
                position.go_on_from(&event.id);
                if let Some(at) = monotonic.checked_sub(Duration::from_millis(fresh.age_ms)) {
                    self.set.completed_poll(at);
                }
                position.failures = 0;
            }
            // The server's own view is stale (`stale`), or it says what is not known here. Either
            // way time passes without a `fresh`.
            _ => {}
        }
        Ok(())
    }
}

impl Position {
    fn go_on_from(&mut self, cursor: &str) {
        // What cannot be sent back in a header would only be refused.
        if cursor.len() <= LONGEST_CURSOR && cursor.bytes().all(|byte| byte.is_ascii_graphic()) {
            cursor.clone_into(&mut self.cursor);
        } else {
            self.cursor.clear();
        }
    }

    /// Doubles with every failure, and is somewhere in the upper half of that, so that not all
    /// services come back at once.
    fn pause(&self) -> Duration {
        let first = self.retry.unwrap_or(FIRST_PAUSE).max(FIRST_PAUSE);
        let doublings = self.failures.saturating_sub(1).min(16);
        let longest = first.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
        let [random] = random::bytes::<1>(&SystemEntropy::default());
        longest / 2 + longest / 2 * u32::from(random) / 255
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6749 §2.3.1: the parts are form-encoded, so that a colon in one is none between them.
    #[test]
    fn credentials_are_encoded_before_they_are_joined() {
        let Credentials(header) = Credentials::new("client-1", "a:b c+é%");
        let text = header.expose().strip_prefix("Basic ").unwrap();
        let pair = String::from_utf8(STANDARD.decode(text).unwrap()).unwrap();
        assert_eq!(pair, "client-1:a%3Ab%20c%2B%C3%A9%25");
    }

    #[test]
    fn pauses_grow_and_differ() {
        let pause = |failures, retry: Option<u64>| {
            let position = Position {
                cursor: String::new(),
                retry: retry.map(Duration::from_millis),
                failures,
            };
            position.pause().as_millis()
        };
        for _ in 0..50 {
            assert!((125..=250).contains(&pause(1, None)));
            assert!((500..=1_000).contains(&pause(3, None)));
            assert!((15_000..=30_000).contains(&pause(u32::MAX, None)));
            assert!((500..=1_000).contains(&pause(0, Some(1_000))));
            assert!((125..=250).contains(&pause(1, Some(0))));
            assert!((15_000..=30_000).contains(&pause(1, Some(u64::MAX))));
        }
        let all: std::collections::HashSet<_> = (0..50).map(|_| pause(9, None)).collect();
        assert!(all.len() > 5);
    }

    #[test]
    fn a_cursor_is_sent_back_only_if_it_can_be() {
        let mut position = Position::default();
        for (cursor, kept) in [
            ("1:abc=", "1:abc="),
            ("a\r\nx: y", ""),
            ("b", "b"),
            ("é", ""),
            ("", ""),
        ] {
            position.go_on_from(cursor);
            assert_eq!(position.cursor, kept);
        }
        position.go_on_from(&"x".repeat(300));
        assert_eq!(position.cursor, "");
    }
}
