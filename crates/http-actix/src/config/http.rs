//! `[http]`: how the server is reached.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;

use super::error::ConfigError;
use super::raw::{Origin, Raw};
use super::settings::{ALLOWED_ORIGINS, LISTEN, TRUSTED_PROXIES};
use crate::extract::proxies;
use crate::middleware::origins::{AllowedOrigins, InvalidOrigin};

/// How the server is reached.
#[derive(Debug)]
pub struct HttpConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Who may call from a browser, if it is not the issuer alone.
    pub allowed_origins: Option<Vec<String>>,
    /// The reverse proxies that may say whose request they pass on.
    pub trusted_proxies: Vec<IpNet>,
}

impl HttpConfig {
    /// Checks the section.
    pub fn parse(raw: &mut Raw) -> Result<Self, ConfigError> {
        let from_port = raw.get(&LISTEN).is_some_and(|value| {
            Some(&value.origin) == LISTEN.fallback.map(Origin::Variable).as_ref()
        });
        let listen = if from_port {
            raw.parse(&LISTEN, parse_port)?
        } else {
            raw.parse(&LISTEN, |text| {
                text.parse()
                    .map_err(|_| "must be an IP address and a port, like 127.0.0.1:8080")
            })?
        };
        raw.replace(&LISTEN, listen.to_string());
        let proxies = raw.parse_optional(&TRUSTED_PROXIES, proxies::parse)?;
        Ok(Self {
            listen,
            trusted_proxies: proxies.unwrap_or_default(),
            allowed_origins: raw.parse_optional(&ALLOWED_ORIGINS, parse_origins)?,
        })
    }
}

/// Platforms that set `PORT` reach the process over the network of its container.
fn parse_port(text: &str) -> Result<SocketAddr, &'static str> {
    let port = text.parse().map_err(|_| "must be a port from 0 to 65535")?;
    Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port))
}

fn parse_origins(text: &str) -> Result<Vec<String>, InvalidOrigin> {
    let list: Vec<String> = text
        .split(',')
        .map(|origin| origin.trim().to_owned())
        .filter(|origin| !origin.is_empty())
        .collect();
    AllowedOrigins::parse(&list)?;
    Ok(list)
}
