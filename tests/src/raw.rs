//! Requests that no HTTP library would send.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// What came back over a plain connection.
#[derive(Debug)]
pub struct RawReply {
    /// Everything that was received.
    pub text: String,
    /// Whether the server closed the connection.
    pub closed: bool,
    /// How long it took.
    pub took: Duration,
}

impl RawReply {
    /// The status of the first answer; 0 where none came.
    pub fn status(&self) -> u16 {
        self.text
            .strip_prefix("HTTP/1.1 ")
            .or_else(|| self.text.strip_prefix("HTTP/1.0 "))
            .and_then(|rest| rest.get(..3)?.parse().ok())
            .unwrap_or(0)
    }

    /// How many answers came.
    pub fn answers(&self) -> usize {
        self.text.matches("HTTP/1.1 ").count()
    }
}

/// Sends `bytes` as they are and reads until the server closes or says nothing
/// for `patience`.
pub fn exchange(mut stream: TcpStream, bytes: &[u8], patience: Duration) -> RawReply {
    // A server that has closed already is an answer too.
    let _ = stream.write_all(bytes);
    read_all(stream, patience)
}

/// Reads the head of one answer, and not a byte more.
///
/// # Panics
/// Where none comes.
pub fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("the head of an answer");
        head.extend(byte);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// Reads until the server closes or says nothing for `patience`.
pub fn read_all(mut stream: TcpStream, patience: Duration) -> RawReply {
    let start = Instant::now();
    stream
        .set_read_timeout(Some(patience))
        .expect("a read timeout");
    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    let closed = loop {
        match stream.read(&mut buffer) {
            Ok(0) => break true,
            Ok(read) => received.extend_from_slice(&buffer[..read]),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                break false;
            }
            Err(_) => break true,
        }
    };
    let text = String::from_utf8_lossy(&received).into_owned();
    RawReply {
        text,
        closed,
        took: start.elapsed(),
    }
}

/// The text of a `POST` with a JSON body, with its headers right.
pub fn post(path: &str, more_headers: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{more_headers}\r\n{body}",
        body.len()
    )
}
