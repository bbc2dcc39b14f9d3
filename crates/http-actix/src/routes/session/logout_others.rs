//! `POST /v1/logout/others`: ends every session of the caller but this one.

use actix_web::{HttpResponse, web};

use crate::extract::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// Ends the others.
pub async fn handle(
    Caller(caller): Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let ended = state.service.logout_others(&caller).await?;
    let (user, session) = (caller.user.id, caller.session.id);
    tracing::info!(target: "audit", event = "logout_others", %user, %session, ended);
    Ok(HttpResponse::NoContent().finish())
}
