//! What users, sessions and tokens look like on the wire. A new column reaches no client unless it
//! is added here.

use actix_web::HttpResponse;
use actix_web::cookie::Cookie;
use serde::Serialize;
use token_core::id::{SessionId, UserId};
use token_core::service::TokenPair;
use token_core::session::{Session, Transport};
use token_core::time::Timestamp;
use token_core::user::{Role, User};

use crate::cookies::{CookiePolicy, CookieTooLarge, Kind};
use crate::problem::Problem;

/// A user.
#[derive(Debug, Serialize)]
pub struct UserBody<'a> {
    id: UserId,
    username: &'a str,
    email: &'a str,
    full_name: &'a str,
    email_verified: bool,
    roles: Vec<&'a str>,
    created_at: Timestamp,
}

impl<'a> From<&'a User> for UserBody<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id,
            username: user.username.as_str(),
            email: user.email.as_str(),
            full_name: user.full_name.as_str(),
            email_verified: user.email_verified,
            roles: user.roles.iter().map(Role::as_str).collect(),
            created_at: user.created_at,
        }
    }
}

/// `{user}`.
#[derive(Debug, Serialize)]
pub struct UserEnvelope<'a> {
    user: UserBody<'a>,
}

impl<'a> From<&'a User> for UserEnvelope<'a> {
    fn from(user: &'a User) -> Self {
        Self { user: user.into() }
    }
}

/// A pair of tokens, without them where they travel in cookies.
#[derive(Debug, Serialize)]
struct PairBody<'a> {
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<&'a str>,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    refresh_expires_in: u64,
    session_id: SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserBody<'a>>,
}

/// An answer that gives a client its tokens.
#[derive(Debug, Clone, Copy)]
pub struct PairAnswer<'a> {
    pair: &'a TokenPair,
    user: Option<&'a User>,
    is_repeat: bool,
}

impl<'a> PairAnswer<'a> {
    /// An answer with both tokens.
    pub const fn new(pair: &'a TokenPair) -> Self {
        Self {
            pair,
            user: None,
            is_repeat: false,
        }
    }

    /// The same, and who logged in.
    #[must_use]
    pub const fn with_user(mut self, user: &'a User) -> Self {
        self.user = Some(user);
        self
    }

    /// The same, for a refresh token that the client has already. Its cookie is not set again: a
    /// slow tab must not put an older token back.
    #[must_use]
    pub const fn repeated(mut self, is_repeat: bool) -> Self {
        self.is_repeat = is_repeat;
        self
    }

    /// The answer, by the transport of the session.
    pub fn respond(self, cookies: &CookiePolicy) -> Result<HttpResponse, Problem> {
        let pair = self.pair;
        let in_body = pair.session.transport == Transport::Body;
        let body = PairBody {
            token_type: "Bearer",
            access_token: in_body.then(|| pair.access.token.expose()),
            expires_in: pair.access_seconds(),
            refresh_token: in_body.then(|| pair.refresh.expose()),
            refresh_expires_in: pair.refresh_seconds(),
            session_id: pair.session.id,
            user: self.user.map(UserBody::from),
        };
        let mut answer = HttpResponse::Ok();
        if !in_body {
            for cookie in self.cookies(cookies)? {
                answer.cookie(cookie);
            }
        }
        Ok(answer.json(body))
    }

    /// Both cookies live as long as the refresh token, so that an expired access token still
    /// arrives and is answered as such.
    fn cookies(self, policy: &CookiePolicy) -> Result<Vec<Cookie<'static>>, CookieTooLarge> {
        let pair = self.pair;
        let max_age = pair.session.remember.then(|| pair.refresh_seconds());
        let access = policy.carrying(Kind::Access, pair.access.token.expose(), max_age)?;
        if self.is_repeat {
            return Ok(vec![access]);
        }
        let refresh = policy.carrying(Kind::Refresh, pair.refresh.expose(), max_age)?;
        Ok(vec![access, refresh])
    }
}

/// 204; a client whose session travelled in cookies loses them.
pub fn done_with(session: &Session, cookies: &CookiePolicy) -> HttpResponse {
    let mut answer = HttpResponse::NoContent();
    if session.transport == Transport::Cookie {
        for cookie in cookies.cleared() {
            answer.cookie(cookie);
        }
    }
    answer.finish()
}
