//! `POST /v1/refresh`: a refresh token for a new pair, by the way the token came.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, rt, web};
use token_core::service::{RefreshError, RefreshRequest};
use token_core::session::{EndReason, Transport};
use token_core::store::AuditEvent;

use crate::extract::refresh::{RefreshBody, presented};
use crate::extract::{Client, OptionalJsonBody};
use crate::middleware::csrf;
use crate::problem::{Code, Problem};
use crate::routes::wire::PairAnswer;
use crate::state::AppState;

/// Rotates the refresh token.
pub async fn handle(
    request: HttpRequest,
    state: web::Data<AppState>,
    client: Client,
    OptionalJsonBody(body): OptionalJsonBody<RefreshBody>,
) -> Result<HttpResponse, Problem> {
    let Some(presented) = presented(&request, &state, body)? else {
        let is_browser = csrf::carries_cookies(request.headers(), &state);
        return Err(refused(
            Code::RefreshTokenMissing.into(),
            is_browser,
            &state,
        ));
    };
    let refresh = RefreshRequest {
        token: &presented.token,
        transport: presented.transport,
        client: client.facts(None),
    };
    match state.service.refresh(refresh).await {
        Ok(done) => {
            if let Some(event) = done.audit {
                rt::spawn(record(state.clone(), event));
            }
            PairAnswer::new(&done.pair)
                .repeated(!done.successor)
                .respond(&state.cookies)
        }
        Err(error) => {
            audit(&state, &presented.token, presented.transport, &error);
            let in_cookie = presented.transport == Transport::Cookie;
            Err(refused(error.into(), in_cookie, &state))
        }
    }
}

/// Writes to the audit log while the answer is on its way.
pub async fn record(state: web::Data<AppState>, event: AuditEvent) {
    let (kind, session) = (event.kind.as_str(), event.session_id);
    tracing::info!(target: "audit", event = kind, ?session, detail = event.detail);
    if let Err(error) = state.service.record(event).await {
        tracing::warn!(%error, "an entry of the audit log was not written");
    }
}

/// A terminal refusal takes the cookies away; an outage never does, since they may still be good.
fn refused(problem: Problem, by_cookie: bool, state: &AppState) -> Problem {
    let is_terminal = problem.code().status() == StatusCode::UNAUTHORIZED;
    if is_terminal && by_cookie {
        problem.with_cookies(state.cookies.cleared())
    } else {
        problem
    }
}

/// Notes a refusal of a genuine token; anybody can send junk. Why a session had ended is said here
/// and nowhere else.
pub fn audit(state: &AppState, token: &str, transport: Transport, error: &RefreshError) {
    let named = state.service.peek_refresh(token, transport);
    let Some((session, generation)) = named else {
        return;
    };
    let end_reason = match error {
        RefreshError::SessionEnded(reason) => reason.map(EndReason::as_str),
        _ => None,
    };
    tracing::info!(target: "audit", event = "refresh_refused", %session, generation, reason = %error, end_reason);
}
