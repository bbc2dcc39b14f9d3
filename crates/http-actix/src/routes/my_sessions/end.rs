//! `DELETE /v1/me/sessions/{id}`: ends one of the caller's sessions.

use actix_web::{HttpResponse, web};
use token_core::id::SessionId;

use crate::extract::Caller;
use crate::problem::{Code, Problem};
use crate::routes::wire::done_with;
use crate::state::AppState;

/// Ends it. What is no id is the id of no session.
pub async fn handle(
    Caller(caller): Caller,
    state: web::Data<AppState>,
    id: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id: SessionId = id.parse().map_err(|_| Code::SessionNotFound)?;
    state.service.end_own_session(&caller, id).await?;
    tracing::info!(target: "audit", event = "logout", user = %caller.user.id, session = %id);
    Ok(if id == caller.session.id {
        done_with(&caller.session, &state.cookies)
    } else {
        HttpResponse::NoContent().finish()
    })
}
