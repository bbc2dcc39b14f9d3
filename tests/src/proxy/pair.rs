//! One connection through the proxy: the client's socket and the server's.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::flow::{Course, Fate, Valve};

/// The two sockets.
#[derive(Debug)]
pub(super) struct Pair {
    client: TcpStream,
    server: TcpStream,
    doomed: AtomicBool,
    half_closed: AtomicBool,
}

/// Makes the close of a socket a reset instead of an orderly end.
pub(super) fn reset_at_close(socket: &TcpStream) {
    // The other side may have gone already.
    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}

impl Pair {
    pub(super) fn new(client: TcpStream, server: TcpStream) -> Self {
        for socket in [&client, &server] {
            socket.set_nodelay(true).expect("an open socket");
        }
        Self {
            client,
            server,
            doomed: AtomicBool::new(false),
            half_closed: AtomicBool::new(false),
        }
    }

    /// Passes bytes on in both directions, until both have ended. The sockets are closed
    /// when the last owner of the pair lets it go.
    pub(super) fn serve(self: &Arc<Self>, requests: &Arc<Valve>, replies: &Arc<Valve>) {
        for (is_request, valve) in [(true, requests), (false, replies)] {
            let (pair, valve) = (self.clone(), valve.clone());
            thread::spawn(move || pair.pump(is_request, &valve));
        }
    }

    /// Whether nothing was done to it yet.
    pub(super) fn is_open(&self) -> bool {
        !self.is_doomed() && !self.half_closed.load(Ordering::SeqCst)
    }

    /// Both directions end without a word, and the close is a reset.
    pub(super) fn reset(&self) {
        self.doomed.store(true, Ordering::SeqCst);
        for socket in [&self.client, &self.server] {
            reset_at_close(socket);
            // Wakes the reader, and sends nothing. It may have gone already.
            let _ = socket.shutdown(Shutdown::Read);
        }
    }

    /// The client is told that the server has ended.
    pub(super) fn close_half(&self) {
        self.half_closed.store(true, Ordering::SeqCst);
        // It may have gone already.
        let _ = self.client.shutdown(Shutdown::Write);
        let _ = self.server.shutdown(Shutdown::Read);
    }

    fn pump(&self, is_request: bool, valve: &Valve) {
        let (from, to) = if is_request {
            (&self.client, &self.server)
        } else {
            (&self.server, &self.client)
        };
        let mut course = Course::default();
        let mut buffer = vec![0; 64 << 10];
        while let Ok(count @ 1..) = (&*from).read(&mut buffer) {
            if !self.pass(&buffer[..count], to, valve, &mut course) {
                return;
            }
        }
        if !self.is_doomed() {
            // It may have gone already.
            let _ = to.shutdown(Shutdown::Write);
        }
    }

    /// Whether there is more to pass on afterwards.
    fn pass(&self, bytes: &[u8], mut to: &TcpStream, valve: &Valve, course: &mut Course) -> bool {
        loop {
            if self.is_doomed() {
                return false;
            }
            if self.half_closed.load(Ordering::SeqCst) {
                return true;
            }
            match valve.fate(course, bytes) {
                Fate::Wait => {}
                Fate::Lose => return true,
                Fate::Pass(later) => {
                    thread::sleep(later);
                    return to.write_all(bytes).is_ok();
                }
                Fate::Cut(count) => {
                    // What was passed on last arrives before the reset does, unless the
                    // client is slow: then it is lost, as in any reset.
                    let _ = to.write_all(&bytes[..count]);
                    self.reset();
                    return false;
                }
            }
        }
    }

    fn is_doomed(&self) -> bool {
        self.doomed.load(Ordering::SeqCst)
    }
}
