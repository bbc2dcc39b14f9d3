//! `POST /oauth2/revoke`: a client gives a token back (RFC 7009), which ends the session behind it.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::extract::Client;
use crate::oauth::{Form, OAuthError, authenticate};
use crate::state::AppState;

/// Ends the session. What is no token of ours is revoked already (RFC 7009 §2.2); a hint at its
/// type is not needed, since tokens tell it themselves.
pub async fn handle(
    request: HttpRequest,
    state: web::Data<AppState>,
    facts: Client,
    form: Form,
) -> Result<HttpResponse, OAuthError> {
    let address = facts.facts(None).ip;
    let client = authenticate(request.headers(), &form, &state, address).await?;
    let token = form.required("token")?;
    let ended = state.service.revoke(&client.id(), token).await?;
    if let Some(session) = ended {
        tracing::info!(target: "audit", event = "token_revoked", client = %client.id(), %session);
    }
    Ok(HttpResponse::Ok().finish())
}
