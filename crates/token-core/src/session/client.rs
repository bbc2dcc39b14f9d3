//! What is known of the client behind a session.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// How a session's tokens travel. A refresh token that was issued one way is refused the other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// In JSON bodies and the `Authorization` header.
    Body,
    /// In `HttpOnly` cookies.
    Cookie,
}

impl Transport {
    /// The name on the wire, in storage and in the refresh token.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Cookie => "cookie",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Transport {
    type Err = UnknownTransport;

    fn from_str(text: &str) -> Result<Self, UnknownTransport> {
        match text {
            "body" => Ok(Self::Body),
            "cookie" => Ok(Self::Cookie),
            _ => Err(UnknownTransport),
        }
    }
}

/// The text names no transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a transport is body or cookie")]
pub struct UnknownTransport;

/// Facts for people who look through their sessions. None of them decides anything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientFacts {
    /// The address the request came from.
    pub ip: Option<IpAddr>,
    /// The `User-Agent` header, cut to 256 characters.
    pub user_agent: Option<String>,
    /// What the user or the app calls this device, cut to 64 characters.
    pub label: Option<String>,
}

impl ClientFacts {
    /// Takes the facts in, cutting what is too long and dropping control characters.
    pub fn new(ip: Option<IpAddr>, user_agent: Option<&str>, label: Option<&str>) -> Self {
        Self {
            ip,
            user_agent: user_agent.and_then(|text| tidy(text, 256)),
            label: label.and_then(|text| tidy(text, 64)),
        }
    }
}

fn tidy(text: &str, max_chars: usize) -> Option<String> {
    let tidy: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(max_chars)
        .collect();
    let tidy = tidy.trim();
    (!tidy.is_empty()).then(|| tidy.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transport_has_one_spelling() {
        for (text, transport) in [("body", Transport::Body), ("cookie", Transport::Cookie)] {
            assert_eq!(text.parse(), Ok(transport));
            assert_eq!(transport.as_str(), text);
        }
        assert_eq!("Body".parse::<Transport>(), Err(UnknownTransport));
    }

    #[test]
    fn facts_are_tidied() {
        let facts = ClientFacts::new(None, Some("curl/8\r\nx: y"), Some(&"l".repeat(100)));
        assert_eq!(facts.user_agent.as_deref(), Some("curl/8x: y"));
        assert_eq!(facts.label.map(|l| l.len()), Some(64));
        assert_eq!(
            ClientFacts::new(None, Some(" \t"), None),
            ClientFacts::default()
        );
    }
}
