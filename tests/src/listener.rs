//! Somebody who listens at an address that hostile tokens name, and must hear nothing.

use std::io::ErrorKind;
use std::net::TcpListener;

/// A listener on a port of its own.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// Listens from now on.
    pub fn new() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
        socket
            .set_nonblocking(true)
            .expect("a listener that does not wait");
        Self(socket)
    }

    /// Beginning of a URL that leads here.
    pub fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().expect("an address"))
    }

    /// Nobody has connected since the listener was made: the system keeps whoever did, even who
    /// left at once.
    ///
    /// # Panics
    /// Where somebody has.
    pub fn assert_silent(&self) {
        let heard = self.0.accept();
        assert!(
            matches!(&heard, Err(error) if error.kind() == ErrorKind::WouldBlock),
            "somebody came: {heard:?}"
        );
    }
}

impl Default for Listener {
    fn default() -> Self {
        Self::new()
    }
}
