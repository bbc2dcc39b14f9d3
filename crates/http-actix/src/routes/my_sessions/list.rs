//! `GET /v1/me/sessions`: where the caller is logged in.

use std::net::IpAddr;

use actix_web::{HttpResponse, web};
use serde::Serialize;
use token_core::id::SessionId;
use token_core::session::Session;
use token_core::time::Timestamp;

use crate::extract::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// `{sessions}`.
#[derive(Debug, Serialize)]
struct Listed<'a> {
    sessions: Vec<SessionBody<'a>>,
}

/// A session as its user sees it.
#[derive(Debug, Serialize)]
struct SessionBody<'a> {
    id: SessionId,
    current: bool,
    created_at: Timestamp,
    last_refreshed_at: Timestamp,
    expires_at: Timestamp,
    ip: Option<IpAddr>,
    user_agent: Option<&'a str>,
    label: Option<&'a str>,
}

impl<'a> SessionBody<'a> {
    fn new(session: &'a Session, current: SessionId) -> Self {
        Self {
            id: session.id,
            current: session.id == current,
            created_at: session.created_at,
            last_refreshed_at: session.rotated_at,
            expires_at: session.expires_at,
            ip: session.client.ip,
            user_agent: session.client.user_agent.as_deref(),
            label: session.client.label.as_deref(),
        }
    }
}

/// Lists the live ones, newest first.
pub async fn handle(
    Caller(caller): Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let sessions = state.service.own_sessions(&caller).await?;
    let current = caller.session.id;
    let sessions = sessions.iter().map(|s| SessionBody::new(s, current));
    Ok(HttpResponse::Ok().json(Listed {
        sessions: sessions.collect(),
    }))
}
