//! `PATCH /v1/me`: changes names of the caller's account.

use actix_web::{HttpResponse, web};
use token_core::user::{FullName, Username};

use crate::extract::{Caller, FromMembers, JsonBody, Members};
use crate::problem::Problem;
use crate::routes::wire::UserEnvelope;
use crate::state::AppState;

/// `{username?, full_name?}`.
#[derive(Debug)]
pub struct Body {
    username: Option<Username>,
    full_name: Option<FullName>,
}

impl FromMembers for Body {
    fn read(members: &mut Members, _: &AppState) -> Option<Self> {
        Some(Self {
            username: members.optional("username", Username::parse),
            full_name: members.optional("full_name", FullName::parse),
        })
    }
}

/// Changes what is given.
pub async fn handle(
    Caller(caller): Caller,
    state: web::Data<AppState>,
    JsonBody(body): JsonBody<Body>,
) -> Result<HttpResponse, Problem> {
    let service = &state.service;
    let user = service
        .change_profile(&caller, body.username, body.full_name)
        .await?;
    tracing::info!(target: "audit", event = "profile_changed", user = %user.id);
    Ok(HttpResponse::Ok().json(UserEnvelope::from(&user)))
}
