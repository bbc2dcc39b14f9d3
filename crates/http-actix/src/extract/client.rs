//! What is known of the client: facts for people, which decide nothing.

use std::future::{Ready, ready};
use std::net::IpAddr;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use token_core::session::ClientFacts;

use super::state;
use crate::problem::Problem;

/// Where a request came from. The address is the peer's, or the one that a trusted proxy tells.
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
        let headers = request.headers();
        let user_agent = headers.get(header::USER_AGENT);
        ready(state(request).map(|state| {
            Self {
                ip: request
                    .peer_addr()
                    .map(|peer| state.proxies.client(peer.ip(), headers)),
                user_agent: user_agent.and_then(|v| v.to_str().ok()).map(str::to_owned),
            }
        }))
    }
}
