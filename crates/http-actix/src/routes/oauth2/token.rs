//! `POST /oauth2/token`: tokens for a client (RFC 6749 §3.2), by a refresh token or for itself.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, rt, web};
use serde::Serialize;
use token_core::client::Scope;
use token_core::service::{AuthenticatedClient, RefreshRequest};
use token_core::session::{ClientFacts, Transport};

use crate::extract::Client;
use crate::oauth::{Form, OAuthError, authenticate};
use crate::routes::session::refresh::{audit, record};
use crate::state::AppState;

/// The grants there are. A user's password is for `POST /v1/login` and nothing else (RFC 9700
/// §2.4).
#[derive(Debug, Clone, Copy)]
enum Grant {
    RefreshToken,
    ClientCredentials,
}

/// RFC 6749 §5.1.
#[derive(Serialize)]
struct Answer<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
}

/// Gives them.
pub async fn handle(
    request: HttpRequest,
    state: web::Data<AppState>,
    facts: Client,
    form: Form,
) -> Result<HttpResponse, OAuthError> {
    let grant = match form.required("grant_type")? {
        "refresh_token" => Grant::RefreshToken,
        "client_credentials" => Grant::ClientCredentials,
        _ => return Err(OAuthError::UNSUPPORTED_GRANT),
    };
    let facts = facts.facts(None);
    let client = authenticate(request.headers(), &form, &state, facts.ip).await?;
    let asked = form.get("scope").map(Scope::parse).transpose();
    let asked = asked.map_err(|_| OAuthError::INVALID_SCOPE)?;
    match grant {
        Grant::RefreshToken => {
            let token = form.required("refresh_token")?;
            refresh(&state, &client, token, asked, facts).await
        }
        Grant::ClientCredentials => for_itself(&state, &client, asked).await,
    }
}

/// Likewise as `POST /v1/refresh`, for the tokens of the client that calls.
async fn refresh(
    state: &web::Data<AppState>,
    client: &AuthenticatedClient,
    token: &str,
    asked: Option<Scope>,
    facts: ClientFacts,
) -> Result<HttpResponse, OAuthError> {
    let request = RefreshRequest {
        token,
        transport: Transport::Body,
        client: facts,
    };
    let id = client.id();
    match state.service.refresh_for(&id, asked, request).await {
        Ok(done) => {
            if let Some(event) = done.audit {
                rt::spawn(record(state.clone(), event));
            }
            let pair = &done.pair;
            Ok(answer(&Answer {
                access_token: pair.access.token.expose(),
                token_type: "Bearer",
                expires_in: pair.access_seconds(),
                refresh_token: Some(pair.refresh.expose()),
                scope: &pair.session.scope,
            }))
        }
        Err(error) => {
            audit(state, token, Transport::Body, &error);
            Err(error.into())
        }
    }
}

/// RFC 6749 §4.4: for clients that can prove who they are, and without a refresh token, since they
/// can do so again.
async fn for_itself(
    state: &AppState,
    client: &AuthenticatedClient,
    asked: Option<Scope>,
) -> Result<HttpResponse, OAuthError> {
    let client = client.registered().ok_or(OAuthError::UNAUTHORIZED_CLIENT)?;
    let given = state.service.client_token(client, asked).await?;
    let access = &given.access;
    tracing::info!(target: "audit", event = "client_token", client = %client.id);
    Ok(answer(&Answer {
        access_token: access.token.expose(),
        token_type: "Bearer",
        expires_in: access.seconds(),
        refresh_token: None,
        scope: &given.scope.to_string(),
    }))
}

/// RFC 6749 §5.1 wants both headers.
fn answer(answer: &Answer<'_>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::PRAGMA, "no-cache"))
        .json(answer)
}
