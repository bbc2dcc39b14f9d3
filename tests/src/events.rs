//! A reader of server-sent events over a plain connection, with the time at which each came.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::clock::PATIENCE;
use crate::{Server, raw};

/// One event.
#[derive(Debug, Clone)]
pub struct Event {
    /// `event`.
    pub kind: String,
    /// `id`.
    pub id: String,
    /// `data`, which is JSON.
    pub data: Value,
    /// When it was read.
    pub at: Instant,
}

impl Event {
    /// Whether it says that this session has ended.
    pub fn ends(&self, session: &str) -> bool {
        let sessions = self.data["sessions"].as_array();
        self.kind == "ended" && sessions.is_some_and(|all| all.iter().any(|id| id == session))
    }
}

/// A stream that is being read.
#[derive(Debug)]
pub struct Events {
    /// The head of the answer.
    pub head: String,
    coming: Receiver<Event>,
    stream: TcpStream,
}

impl Events {
    /// Asks for a stream with these headers.
    ///
    /// # Panics
    /// Where there is no answer.
    pub fn open(server: &Server, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut stream = server.connect();
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n");
        for (name, value) in headers {
            request += &[name, ": ", value, "\r\n"].concat();
        }
        stream
            .write_all(format!("{request}\r\n").as_bytes())
            .expect("sent");
        let head = raw::read_head(&mut stream);
        let (events, coming) = channel();
        let reading = stream.try_clone().expect("another handle");
        thread::spawn(move || {
            let mut lines = BufReader::new(Chunks::new(reading));
            let mut event = None;
            let mut line = String::new();
            while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
                if !take(&mut event, line.trim_end_matches('\n'), |event| {
                    events.send(event).is_ok()
                }) {
                    return;
                }
                line.clear();
            }
        });
        Self {
            head,
            coming,
            stream,
        }
    }

    /// The next event; `None` at the end of the stream.
    ///
    /// # Panics
    /// Where neither comes.
    pub fn next(&self) -> Option<Event> {
        match self.coming.recv_timeout(PATIENCE) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("nothing comes"),
        }
    }

    /// Whether nothing comes for so long.
    pub fn is_quiet_for(&self, span: Duration) -> bool {
        self.coming.recv_timeout(span) == Err(RecvTimeoutError::Timeout)
    }

    /// All events up to the first for which this holds.
    ///
    /// # Panics
    /// Where it does not come.
    pub fn until(&self, mut holds: impl FnMut(&Event) -> bool) -> Vec<Event> {
        let start = Instant::now();
        let mut all = Vec::new();
        loop {
            let event = self.next().unwrap_or_else(|| panic!("the end: {all:?}"));
            let found = holds(&event);
            all.push(event);
            if found {
                return all;
            }
            assert!(start.elapsed() < PATIENCE, "not among {all:?}");
        }
    }

    /// The first event of that kind.
    pub fn first(&self, kind: &str) -> Event {
        let mut all = self.until(|event| event.kind == kind);
        all.pop().expect("the last one is it")
    }
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        (&self.kind, &self.id, &self.data) == (&other.kind, &other.id, &other.data)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // Ends the reader too.
        drop(self.stream.shutdown(std::net::Shutdown::Both));
    }
}

fn take(event: &mut Option<Event>, line: &str, mut send: impl FnMut(Event) -> bool) -> bool {
    if line.is_empty() {
        return event.take().is_none_or(|mut event| {
            event.at = Instant::now();
            send(event)
        });
    }
    let (field, value) = line.split_once(": ").expect("a field and a value");
    let event = event.get_or_insert_with(|| Event {
        kind: String::new(),
        id: String::new(),
        data: Value::Null,
        at: Instant::now(),
    });
    match field {
        "event" => value.clone_into(&mut event.kind),
        "id" => value.clone_into(&mut event.id),
        "data" => event.data = serde_json::from_str(value).expect("JSON"),
        other => panic!("the field {other}"),
    }
    true
}

/// A body in chunks (RFC 9112 §7.1), without their sizes.
struct Chunks {
    stream: BufReader<TcpStream>,
    left: usize,
}

impl Chunks {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream: BufReader::new(stream),
            left: 0,
        }
    }
}

impl Read for Chunks {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let size = line.trim_end();
            // A connection that broke off has no last chunk.
            self.left = usize::from_str_radix(size, 16).unwrap_or(0);
            if self.left == 0 {
                return Ok(0);
            }
        }
        let most = into.len().min(self.left);
        let read = self.stream.read(&mut into[..most])?;
        self.left -= read;
        if self.left == 0 {
            let mut end = [0; 2];
            self.stream.read_exact(&mut end)?;
        }
        Ok(read)
    }
}
