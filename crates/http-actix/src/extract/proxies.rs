//! Behind a reverse proxy every connection comes from the proxy. Whose request it passes on is said
//! in `X-Forwarded-For`, which anybody can send: it counts where the operator trusts the sender.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::header::{HeaderMap, X_FORWARDED_FOR};
use ipnet::IpNet;

use crate::config::settings::TRUSTED_PROXIES;

/// The networks of reverse proxies that are believed.
#[derive(Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    has_warned: AtomicBool,
}

/// A text is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProxy {
    /// Neither an address nor a network.
    #[error("`{0}` is neither an IP address nor a network like 10.0.0.0/8")]
    Syntax(String),
    /// Every client would be a proxy, and could pass for any other.
    #[error("`{0}` is everybody: name the proxies, or their network")]
    Everybody(String),
}

impl TrustedProxies {
    /// Trusts these networks.
    pub fn new(networks: Vec<IpNet>) -> Self {
        Self {
            networks,
            has_warned: AtomicBool::new(false),
        }
    }

    /// The address that a request comes from: the peer's, or, if that is a trusted proxy, the last
    /// one in `X-Forwarded-For` that is not. Each proxy appends the address that it sees, so what
    /// stands further left was written by somebody who is not trusted.
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            if headers.contains_key(X_FORWARDED_FOR) && is_near(client) {
                self.warn_once(client);
            }
            return client;
        }
        // Several headers are one list (RFC 9110 §5.3).
        let values: Vec<_> = headers.get_all(X_FORWARDED_FOR).collect();
        let entries = values
            .iter()
            .rev()
            .flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        for entry in entries {
            // Of what is no address nobody knows who wrote it, nor what stands before it.
            let Some(forwarded) = str::from_utf8(entry).ok().and_then(address) else {
                break;
            };
            client = forwarded;
            if !self.trusts(client) {
                break;
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }

    /// Says once that the operator's own proxy may have been forgotten.
    fn warn_once(&self, peer: IpAddr) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "X-Forwarded-For is ignored: if this is your reverse proxy, name it in {}, or all \
                 clients behind it share its limits",
                TRUSTED_PROXIES.variable
            );
        }
    }
}

/// Parses addresses and networks, separated by commas.
pub fn parse(text: &str) -> Result<Vec<IpNet>, InvalidProxy> {
    let entries = text.split(',').map(str::trim);
    entries
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let told = || entry.escape_debug().to_string();
            let single = entry.parse::<IpAddr>().map(|ip| ip.to_canonical().into());
            let network: IpNet = single
                .or_else(|_| entry.parse())
                .map_err(|_| InvalidProxy::Syntax(told()))?;
            if network.prefix_len() == 0 {
                return Err(InvalidProxy::Everybody(told()));
            }
            Ok(network)
        })
        .collect()
}

/// An entry of the header: an address, with a port as some proxies write it.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim();
    let bracketed = || entry.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || Some(entry.parse::<SocketAddr>().ok()?.ip());
    let address = entry.parse().ok();
    let address = address.or_else(with_port).or_else(bracketed)?;
    Some(address.to_canonical())
}

/// Whether an address is of this machine or of a private network, where reverse proxies are.
const fn is_near(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;
    use crate::telemetry::tests::Captured;

    fn proxies(text: &str) -> TrustedProxies {
        TrustedProxies::new(parse(text).unwrap())
    }

    fn client(proxies: &TrustedProxies, peer: &str, forwarded: &[&[u8]]) -> String {
        let values = forwarded.iter().map(|value| {
            let value = HeaderValue::from_bytes(value).unwrap();
            (X_FORWARDED_FOR, value)
        });
        let client = proxies.client(peer.parse().unwrap(), &values.collect());
        client.to_string()
    }

    /// S91: nobody but a trusted proxy says who a client is, and it says it last.
    #[test]
    fn the_client_is_whom_a_trusted_proxy_saw() {
        let trusted = proxies("10.0.0.0/8, 192.0.2.1,2001:db8::/32");
        for (peer, forwarded, expected) in [
            // From elsewhere, or from the proxy itself: what is said is nothing.
            ("203.0.113.9", &[&b"198.51.100.1"[..]][..], "203.0.113.9"),
            ("192.0.2.2", &[b"198.51.100.1"], "192.0.2.2"),
            ("10.1.2.3", &[], "10.1.2.3"),
            // One proxy, two, in two headers; IPv4 in an IPv6 socket.
            ("10.1.2.3", &[b"198.51.100.1"], "198.51.100.1"),
            ("::ffff:10.1.2.3", &[b"198.51.100.1"], "198.51.100.1"),
            ("10.1.2.3", &[b"::ffff:198.51.100.1"], "198.51.100.1"),
            ("192.0.2.1", &[b"198.51.100.1,10.9.9.9"], "198.51.100.1"),
            (
                "2001:db8::7",
                &[b"198.51.100.1", b" 10.9.9.9\t"],
                "198.51.100.1",
            ),
            // What the client wrote itself stands before what the proxy saw.
            ("10.1.2.3", &[b"192.0.2.66, 198.51.100.1"], "198.51.100.1"),
            (
                "10.1.2.3",
                &[b"192.0.2.66", b"198.51.100.1"],
                "198.51.100.1",
            ),
            ("10.1.2.3", &[b"junk, 198.51.100.1"], "198.51.100.1"),
            // A client inside of the trusted networks.
            ("10.1.2.3", &[b"10.4.4.4, 10.5.5.5"], "10.4.4.4"),
            // Ports and brackets.
            ("10.1.2.3", &[b"198.51.100.1:4711"], "198.51.100.1"),
            ("10.1.2.3", &[b"[2001:db9::1]:4711"], "2001:db9::1"),
            ("10.1.2.3", &[b"[2001:db9::1]"], "2001:db9::1"),
            // What is no address ends the walk.
            ("10.1.2.3", &[b""], "10.1.2.3"),
            ("10.1.2.3", &[b"198.51.100.1,"], "10.1.2.3"),
            ("10.1.2.3", &[b"198.51.100.1, unknown"], "10.1.2.3"),
            ("10.1.2.3", &[b"198.51.100.1, \xff, 10.9.9.9"], "10.9.9.9"),
            ("10.1.2.3", &[b"198.51.100.1, 010.9.9.9"], "10.1.2.3"),
        ] {
            assert_eq!(client(&trusted, peer, forwarded), expected, "{forwarded:?}");
        }
    }

    #[test]
    fn a_forgotten_proxy_is_told_once() {
        let captured = Captured::json("warn");
        let warnings = || captured.text().matches("RENEWD_TRUSTED_PROXIES").count();
        let none = TrustedProxies::default();
        client(&none, "203.0.113.9", &[b"198.51.100.1"]);
        client(&none, "10.1.2.3", &[]);
        client(&proxies("10.0.0.0/8"), "10.1.2.3", &[b"198.51.100.1"]);
        assert_eq!(warnings(), 0);
        for peer in [
            "127.0.0.1",
            "10.1.2.3",
            "::1",
            "fd00::1",
            "::ffff:127.0.0.1",
        ] {
            assert_eq!(
                client(&none, peer, &[]),
                client(&none, peer, &[b"198.51.100.1"])
            );
            assert_eq!(warnings(), 1, "{peer}");
        }
    }

    #[test]
    fn networks_are_parsed() {
        assert_eq!(parse("").unwrap(), []);
        assert_eq!(parse("10.0.0.0/8, ::1 ,192.0.2.1").unwrap().len(), 3);
        assert!(proxies("10.1.2.3/8").trusts("10.9.9.9".parse().unwrap()));
        assert!(proxies("::ffff:192.0.2.1").trusts("192.0.2.1".parse().unwrap()));
        for bad in [
            "proxy",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0",
            "10.0.0.1:80",
            "*",
        ] {
            assert_eq!(parse(bad), Err(InvalidProxy::Syntax(bad.to_owned())));
        }
        for everybody in ["0.0.0.0/0", "::/0", "10.0.0.1/0"] {
            let expected = Err(InvalidProxy::Everybody(everybody.to_owned()));
            assert_eq!(parse(everybody), expected);
        }
    }
}
