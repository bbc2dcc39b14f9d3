//! What is known of the client: facts for people, which decide nothing.

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use token_core::session::ClientFacts;

use crate::problem::Problem;

/// Where a request came from. The address is the peer's: no forwarding header is believed.
#[derive(Debug, Clone)]
pub struct Client {
    ip: Option<IpAddr>,
    user_agent: Option<String>,
}

impl Client {
    /// The facts, with what the client calls its device.
    pub fn facts(&self, label: Option<&str>) -> ClientFacts {
        ClientFacts::new(self.ip, self.user_agent.as_deref(), label)
    }
}

impl FromRequest for Client {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let user_agent = request.headers().get(header::USER_AGENT);
        ready(Ok(Self {
            // One client has one address, also on a socket that speaks both protocols.
            ip: request.peer_addr().map(|peer| peer.ip().to_canonical()),
            user_agent: user_agent.and_then(|v| v.to_str().ok()).map(str::to_owned),
        }))
    }
}
