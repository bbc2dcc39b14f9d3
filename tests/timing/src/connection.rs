//! A connection that is kept, and how long an answer takes on it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// A connection to the server.
pub struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An answer and its time.
pub struct Timed {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
    /// From before the first byte of the request to the last of the answer, in milliseconds.
    pub milliseconds: f64,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_nodelay(true).expect("no delay");
        let patience = Some(Duration::from_mins(1));
        stream.set_read_timeout(patience).expect("a read timeout");
        Self {
            stream,
            received: Vec::new(),
        }
    }

    /// Sends a request; `delay` passes before its answer counts as complete, as if the server had
    /// worked for that much longer.
    pub fn send(&mut self, request: &[u8], delay: Duration) -> Timed {
        self.received.clear();
        let start = Instant::now();
        self.stream.write_all(request).expect("the request is sent");
        let (head, length) = self.receive();
        let end = Instant::now() + delay;
        while Instant::now() < end {
            std::hint::spin_loop();
        }
        let milliseconds = start.elapsed().as_secs_f64() * 1_000.0;
        let text = |range: &[u8]| String::from_utf8_lossy(range).into_owned();
        let first = text(&self.received[..head]);
        let status = first
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        Timed {
            status: status.expect("a status"),
            body: text(&self.received[head..head + length]),
            milliseconds,
        }
    }

    /// Receives an answer, and says how long its head and its body are.
    fn receive(&mut self) -> (usize, usize) {
        let mut buffer = [0; 8 * 1_024];
        loop {
            let read = self.stream.read(&mut buffer).expect("an answer");
            assert!(read > 0, "the server closed the connection");
            self.received.extend_from_slice(&buffer[..read]);
            let end = self
                .received
                .windows(4)
                .position(|four| four == b"\r\n\r\n");
            let Some(head) = end.map(|at| at + 4) else {
                continue;
            };
            let text = String::from_utf8_lossy(&self.received[..head]).to_ascii_lowercase();
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            let length = length.map_or(0, |length| length.trim().parse().expect("a length"));
            if self.received.len() >= head + length {
                return (head, length);
            }
        }
    }
}
