//! `renewd healthcheck`: asks the server of the same configuration, for containers without a shell.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::welcome::reachable;
use crate::config::Config;
use crate::config::settings::LISTEN;

/// Orchestrators give a probe a few seconds.
const PATIENCE: Duration = Duration::from_secs(3);
/// A status line is shorter.
const STATUS_LINE: u64 = 64;

/// Why the server is not well.
#[derive(Debug, thiserror::Error)]
pub enum Unwell {
    /// The port was left to the system, so that only the server knows it.
    #[error("{}: port 0 cannot be asked: give the port that the server printed", LISTEN.variable)]
    NoPort,
    /// Nobody answers there.
    #[error("no answer from {0}: {1}")]
    NoAnswer(SocketAddr, #[source] io::Error),
    /// It answers that it is not ready.
    #[error("{0} is not ready: {1}")]
    NotReady(SocketAddr, String),
}

/// `Ok` if `/readyz` says so.
pub fn run(config: &Config) -> Result<(), Unwell> {
    let address = reachable(config.http.listen);
    if address.port() == 0 {
        return Err(Unwell::NoPort);
    }
    let status = ask(address).map_err(|error| Unwell::NoAnswer(address, error))?;
    if status.split(' ').nth(1) == Some("200") {
        Ok(())
    } else {
        Err(Unwell::NotReady(address, status))
    }
}

fn ask(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    stream.take(STATUS_LINE).read_to_end(&mut head)?;
    let head = String::from_utf8_lossy(&head);
    Ok(head.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn answered(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 256];
            let read = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        let status = ask(address).unwrap();
        assert!(
            server
                .join()
                .unwrap()
                .starts_with("GET /readyz HTTP/1.1\r\n")
        );
        status
    }

    #[test]
    fn the_status_line_is_read() {
        assert_eq!(answered("HTTP/1.1 200 OK\r\n\r\n"), "HTTP/1.1 200 OK");
        let unready = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\n\r\n{}";
        assert_eq!(answered(unready), "HTTP/1.1 503 Service Unavailable");
        assert_eq!(answered(""), "");
    }
}
