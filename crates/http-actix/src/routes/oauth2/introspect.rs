//! `POST /oauth2/introspect`: what a token is worth at this moment (RFC 7662), signed for whoever
//! asks for that (RFC 9701).

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use token_core::token::introspection::TYP;

use crate::extract::Client;
use crate::oauth::{Form, OAuthError, authenticate, wants_signed};
use crate::state::AppState;

/// Answers clients that can prove who they are.
pub async fn handle(
    request: HttpRequest,
    state: web::Data<AppState>,
    facts: Client,
    form: Form,
) -> Result<HttpResponse, OAuthError> {
    let address = facts.facts(None).ip;
    let client = authenticate(request.headers(), &form, &state, address).await?;
    let client = client.registered().ok_or(OAuthError::INVALID_CLIENT)?;
    let token = form.required("token")?;
    let service = &state.service;
    let told = service.introspect(client, token).await?;
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::CACHE_CONTROL, "no-store"));
    answer.append_header((header::VARY, "Accept"));
    if !wants_signed(&request) {
        return Ok(answer.json(told));
    }
    let signed = service.sign_introspection(&told, client);
    let signed = signed.ok_or(OAuthError::NO_SIGNED_FORM)?;
    Ok(answer
        .content_type(format!("application/{TYP}"))
        .body(signed.expose().to_owned()))
}
