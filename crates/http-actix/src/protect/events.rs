//! A reader of event streams, by the rules of the WHATWG (HTML, "Interpreting an event stream"),
//! with a bound on what an event may hold: for services that follow the feed of ended sessions
//! over a connection of their own.

use std::time::Duration;

/// The most that an event and a line of it may have, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its type; `message` if it has none.
    pub kind: String,
    /// Its data, lines separated by line feeds.
    pub data: String,
    /// The id of this event, or of the last one before it that had one.
    pub id: String,
}

/// What a stream has said so far of an event that is not complete.
#[derive(Debug, Default)]
pub struct EventStream {
    line: Vec<u8>,
    /// A line feed that comes now belongs to the carriage return before it.
    after_return: bool,
    began: bool,
    kind: String,
    data: String,
    id: String,
    retry: Option<Duration>,
}

/// An event or a line is longer than any that is meant for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event is too long")]
pub struct TooLong;

impl EventStream {
    /// Takes the next bytes, and gives the events that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, TooLong> {
        let mut events = Vec::new();
        for byte in bytes {
            let after_return = std::mem::replace(&mut self.after_return, *byte == b'\r');
            match byte {
                b'\n' if after_return => {}
                b'\r' | b'\n' => events.extend(self.end_line()),
                byte => self.line.push(*byte),
            }
            if self.line.len() + self.data.len() > MAX_BYTES {
                return Err(TooLong);
            }
        }
        Ok(events)
    }

    /// How long to wait before coming back after the stream has ended, if it said so.
    pub const fn retry(&self) -> Option<Duration> {
        self.retry
    }

    fn end_line(&mut self) -> Option<Event> {
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let mut line = &*text;
        if !std::mem::replace(&mut self.began, true) {
            line = line.strip_prefix('\u{feff}').unwrap_or(line);
        }
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.kind),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "retry" if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) => {
                self.retry = value.parse().ok().map(Duration::from_millis);
            }
            // A comment, which has no name, or a field that is not known.
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Event> {
        let kind = std::mem::take(&mut self.kind);
        let mut data = std::mem::take(&mut self.data);
        // Without data there is no event; its last line feed is none of it.
        data.pop()?;
        Some(Event {
            kind: if kind.is_empty() {
                "message".to_owned()
            } else {
                kind
            },
            data,
            id: self.id.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(stream: &str) -> Vec<(String, String, String)> {
        let events = EventStream::default().push(stream.as_bytes()).unwrap();
        let parts = |event: Event| (event.kind, event.data, event.id);
        events.into_iter().map(parts).collect()
    }

    fn event(kind: &str, data: &str, id: &str) -> (String, String, String) {
        (kind.to_owned(), data.to_owned(), id.to_owned())
    }

    #[test]
    fn fields_are_read() {
        for (stream, expected) in [
            ("data: a\n\n", vec![event("message", "a", "")]),
            ("data:a\n\n", vec![event("message", "a", "")]),
            ("data:  a \n\n", vec![event("message", " a ", "")]),
            ("data: a\ndata: b\n\n", vec![event("message", "a\nb", "")]),
            ("data\n\n", vec![event("message", "", "")]),
            ("data\ndata\n\n", vec![event("message", "\n", "")]),
            ("event: x\nid: 7\ndata: {}\n\n", vec![event("x", "{}", "7")]),
            ("data: a:b: c\n\n", vec![event("message", "a:b: c", "")]),
            (
                ": comment\n:\ndata: a\nother: b\nData: c\n\n",
                vec![event("message", "a", "")],
            ),
            ("event: a\nevent: b\ndata: x\n\n", vec![event("b", "x", "")]),
            // No data, no event; the type is forgotten and the id is not.
            (
                "event: x\nid: 7\n\ndata: a\n\n",
                vec![event("message", "a", "7")],
            ),
            (
                "id: 7\ndata: a\n\nid\ndata: b\n\n",
                vec![event("message", "a", "7"), event("message", "b", "")],
            ),
            (
                "id: 7\nid: a\0b\ndata: a\n\n",
                vec![event("message", "a", "7")],
            ),
            // What is not complete is nothing.
            ("data: a\n", vec![]),
            ("data: a", vec![]),
            ("\n\n\n", vec![]),
        ] {
            assert_eq!(read(stream), expected, "{stream:?}");
        }
    }

    #[test]
    fn lines_end_in_three_ways_and_a_mark_at_the_start_is_none() {
        let expected = vec![event("message", "a\nb", ""), event("message", "c", "")];
        for stream in [
            "data: a\ndata: b\n\ndata: c\n\n",
            "data: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n",
            "data: a\rdata: b\r\rdata: c\r\r",
            "data: a\r\ndata: b\r\n\ndata: c\n\r",
            "\u{feff}data: a\ndata: b\n\ndata: c\n\n",
        ] {
            assert_eq!(read(stream), expected, "{stream:?}");
        }
        assert_eq!(read("\u{feff}\u{feff}data: a\n\n"), vec![]);
        assert_eq!(
            read("data: a\n\u{feff}data: b\n\n"),
            vec![event("message", "a", "")]
        );
    }

    #[test]
    fn the_pause_is_a_number() {
        for (text, expected) in [
            ("retry: 1500\n", Some(1_500)),
            ("retry: 15x\n", None),
            ("retry: -1\n", None),
            ("retry\n", None),
            ("retry: 99999999999999999999999\n", None),
        ] {
            let mut stream = EventStream::default();
            stream.push(text.as_bytes()).unwrap();
            assert_eq!(
                stream.retry(),
                expected.map(Duration::from_millis),
                "{text}"
            );
        }
    }

    /// S19: neither a line nor an event may grow without end.
    #[test]
    fn size_is_bounded() {
        let mut stream = EventStream::default();
        assert_eq!(stream.push(&vec![b'x'; MAX_BYTES + 1]), Err(TooLong));
        let mut stream = EventStream::default();
        let line = format!("data: {}\n", "x".repeat(1_000));
        let fed = (0..2_000).find(|_| stream.push(line.as_bytes()).is_err());
        assert!(fed.is_some_and(|lines| lines > 1_000));
        let mut stream = EventStream::default();
        for _ in 0..5_000 {
            let events = stream.push(format!("{line}\n").as_bytes()).unwrap();
            assert_eq!(events.len(), 1, "what was given is not counted again");
        }
    }

    proptest! {
        /// However the bytes are cut, the events are the same.
        #[test]
        fn cuts_change_nothing(
            lines in prop::collection::vec("(data|event|id|retry|:|x)?:? ?[a-c\u{e9}\u{1f980}:]{0,4}(\n|\r|\r\n|\n\n|\r\n\r\n|\r\r)", 0..20),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..10),
        ) {
            let bytes = lines.concat().into_bytes();
            let whole = EventStream::default().push(&bytes).unwrap();
            let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let mut stream = EventStream::default();
            let mut parts = Vec::new();
            for pair in at.windows(2) {
                parts.extend(stream.push(&bytes[pair[0]..pair[1]]).unwrap());
            }
            prop_assert_eq!(parts, whole);
        }

        /// No bytes make it panic.
        #[test]
        fn junk_is_read(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            let _ = EventStream::default().push(&bytes);
        }
    }
}
