//! `POST /v1/logout`: ends the session that a token names, however old the token is.

use actix_web::{HttpRequest, HttpResponse, web};
use token_core::service::{LogoutError, LogoutRequest};

use crate::extract::refresh::{Presented, RefreshBody};
use crate::extract::{OptionalJsonBody, access, refresh};
use crate::middleware::csrf;
use crate::problem::{Code, Problem};
use crate::state::AppState;

/// Ends the session, or two if the tokens name two. Cookies are taken away also where no token was
/// usable, but not where the session may live on.
pub async fn handle(
    request: HttpRequest,
    state: web::Data<AppState>,
    OptionalJsonBody(body): OptionalJsonBody<RefreshBody>,
) -> Result<HttpResponse, Problem> {
    let access = access::presented(&request, &state)?;
    let refresh = refresh::presented(&request, &state, body)?;
    let cookies = if csrf::carries_cookies(request.headers(), &state) {
        state.cookies.cleared().to_vec()
    } else {
        Vec::new()
    };
    let logout = LogoutRequest {
        access: access.as_deref(),
        refresh: refresh.as_ref().map(|r| (r.token.as_str(), r.transport)),
    };
    match state.service.logout(logout).await {
        Ok(()) => {
            audit(&state, access.as_deref(), refresh.as_ref());
            let mut answer = HttpResponse::NoContent();
            for cookie in cookies {
                answer.cookie(cookie);
            }
            Ok(answer.finish())
        }
        Err(LogoutError::NoToken) if access.is_none() && refresh.is_none() => {
            Err(Problem::of(Code::AccessTokenMissing).with_cookies(cookies))
        }
        Err(error @ LogoutError::NoToken) => Err(Problem::from(error).with_cookies(cookies)),
        Err(error @ (LogoutError::NotAUser | LogoutError::Store(_))) => Err(error.into()),
    }
}

fn audit(state: &AppState, access: Option<&str>, refresh: Option<&Presented>) {
    let service = &state.service;
    let by_access = access.and_then(|token| service.session_of_access(token));
    let by_refresh = refresh.and_then(|r| service.session_of_refresh(&r.token, r.transport));
    let other = by_refresh.filter(|session| by_access != Some(*session));
    for session in by_access.into_iter().chain(other) {
        tracing::info!(target: "audit", event = "logout", %session);
    }
}
