//! Ports of the loopback interface for servers that come and go.

use std::net::{SocketAddr, TcpListener};

use uuid::Uuid;

/// Below the range from which the system takes ports for outgoing connections: a server
/// that is down for a moment finds its port free when it comes back.
const RANGE: std::ops::Range<u128> = 12_000..32_000;

/// The address of a port.
pub fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A port at which nobody listens.
///
/// # Panics
/// Where there is none.
pub fn free() -> u16 {
    let size = RANGE.end - RANGE.start;
    (0..1_000)
        .map(|_| RANGE.start + Uuid::new_v4().as_u128() % size)
        .filter_map(|port| u16::try_from(port).ok())
        .find(|&port| TcpListener::bind(loopback(port)).is_ok())
        .expect("a free port")
}
