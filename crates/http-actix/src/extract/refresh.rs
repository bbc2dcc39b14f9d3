//! The refresh token of a request: from its body or from the refresh cookie.

use actix_web::HttpRequest;
use token_core::session::Transport;

use super::{FromMembers, Members};
use crate::cookies::Kind;
use crate::middleware::strays;
use crate::problem::{Code, Problem};
use crate::protect::credential;
use crate::state::AppState;

/// The body of a request that can bring a refresh token.
#[derive(Debug)]
pub struct RefreshBody {
    refresh_token: Option<String>,
}

impl FromMembers for RefreshBody {
    fn read(members: &mut Members, _: &AppState) -> Option<Self> {
        let refresh_token = members.optional_text("refresh_token");
        Some(Self { refresh_token })
    }
}

/// A refresh token and how it came. Nothing is said of its worth.
#[derive(Debug)]
pub struct Presented {
    /// The token.
    pub token: String,
    /// How it came, and how its successor will go.
    pub transport: Transport,
}

/// The refresh token that a request brought, if it brought one.
pub fn presented(
    request: &HttpRequest,
    state: &AppState,
    body: RefreshBody,
) -> Result<Option<Presented>, Problem> {
    let values = credential::cookies(request.headers(), state.cookies.name(Kind::Refresh));
    // Also where they contradict each other: without the strays the next request is clear.
    if values.len() > 1 {
        strays::note(request, Kind::Refresh);
    }
    let peek = |token: &str| state.service.peek_refresh(token, Transport::Cookie);
    let cookie = credential::pick(values, peek).map_err(Code::from)?;
    let presented = match (body.refresh_token, cookie) {
        (Some(body), Some(cookie)) if body != cookie => {
            return Err(Code::AmbiguousCredentials.into());
        }
        (_, Some(token)) => Some(Presented {
            token,
            transport: Transport::Cookie,
        }),
        (Some(token), None) => Some(Presented {
            token,
            transport: Transport::Body,
        }),
        (None, None) => None,
    };
    Ok(presented)
}
