//! Who is calling? From the `Authorization` header or the access cookie.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use token_core::service::Authenticated;
use token_core::token::access::VerifiedAccess;

use super::state;
use crate::cookies::Kind;
use crate::middleware::strays;
use crate::problem::{Code, Problem};
use crate::protect::credential;
use crate::state::AppState;

/// A caller whose token is good, as far as memory knows. No database.
#[derive(Debug, Clone)]
pub struct Access(pub Arc<VerifiedAccess>);

/// A caller whose session and user were read from the database: for routes that touch it anyway.
#[derive(Debug, Clone)]
pub struct Caller(pub Authenticated);

impl FromRequest for Access {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(state(request).and_then(|state| {
            let token = presented(request, &state)?.ok_or(Code::AccessTokenMissing)?;
            Ok(Self(state.service.authenticate(&token)?))
        }))
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = state(request).and_then(|state| {
            let token = presented(request, &state)?.ok_or(Code::AccessTokenMissing)?;
            Ok((state, token))
        });
        Box::pin(async move {
            let (state, token) = found?;
            Ok(Self(state.service.authenticate_with_state(&token).await?))
        })
    }
}

/// The access token that a request brought, if it brought one. Nothing is said of its worth.
pub fn presented(request: &HttpRequest, state: &AppState) -> Result<Option<String>, Problem> {
    let headers = request.headers();
    let name = state.cookies.name(Kind::Access);
    let peek = |token: &str| state.service.peek_access(token);
    // Also where they contradict each other: without the strays the next request is clear.
    if credential::cookies(headers, name).len() > 1 {
        strays::note(request, Kind::Access);
    }
    let brought = credential::access(headers, Some(name), peek).map_err(Code::from)?;
    Ok(brought.map(|brought| brought.token))
}
