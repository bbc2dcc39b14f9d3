//! `POST /v1/logout/all`: ends every session of the caller, this one too.

use actix_web::{HttpResponse, web};

use crate::extract::Caller;
use crate::problem::Problem;
use crate::routes::wire::done_with;
use crate::state::AppState;

/// Ends them all.
pub async fn handle(
    Caller(caller): Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let ended = state.service.logout_all(&caller).await?;
    let user = caller.user.id;
    tracing::info!(target: "audit", event = "logout_all", %user, ended);
    Ok(done_with(&caller.session, &state.cookies))
}
