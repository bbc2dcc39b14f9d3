//! Requests that another site makes a browser send are refused where cookies would authorize them.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::middleware::Next;
use actix_web::web;

use super::origins::AllowedOrigins;
use crate::cookies::Kind;
use crate::problem::{Code, Problem};
use crate::protect::{credential, site};
use crate::state::AppState;

/// Refuses unsafe requests that carry cookies of ours and that a foreign page may have caused.
/// Nothing is changed and no cookie touched.
pub async fn guard(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let checked = match request.app_data::<web::Data<AppState>>() {
        Some(state)
            if !site::is_safe(request.method()) && carries_cookies(request.headers(), state) =>
        {
            check(request.headers(), &state.origins)
        }
        Some(_) => Ok(()),
        None => Err(Code::Internal.into()),
    };
    match checked {
        Ok(()) => Ok(next.call(request).await?.map_into_boxed_body()),
        Err(problem) => Ok(request.error_response(problem)),
    }
}

/// The check itself, for requests that carry no cookies yet but would get some: a cookie login.
pub fn check(headers: &HeaderMap, origins: &AllowedOrigins) -> Result<(), Problem> {
    if site::may_use_cookies(headers, |origin| origins.contains(origin)) {
        Ok(())
    } else {
        Err(Code::CsrfRejected.into())
    }
}

/// Whether a request brings a cookie of ours, whatever is in it.
pub fn carries_cookies(headers: &HeaderMap, state: &AppState) -> bool {
    [Kind::Access, Kind::Refresh]
        .iter()
        .any(|kind| !credential::cookies(headers, state.cookies.name(*kind)).is_empty())
}
