//! `DELETE /v1/me`: deletes the caller's account, on proof of the password.

use actix_web::{HttpResponse, web};
use token_core::password::PresentedPassword;

use crate::extract::{Caller, Client, FromMembers, JsonBody, Members};
use crate::problem::Problem;
use crate::routes::wire::done_with;
use crate::state::AppState;

/// `{password}`.
#[derive(Debug)]
pub struct Body {
    password: PresentedPassword,
}

impl FromMembers for Body {
    fn read(members: &mut Members, _: &AppState) -> Option<Self> {
        let password = members.required_text("password");
        Some(Self {
            password: PresentedPassword::new(&password?),
        })
    }
}

/// Deletes it.
pub async fn handle(
    Caller(caller): Caller,
    state: web::Data<AppState>,
    client: Client,
    JsonBody(body): JsonBody<Body>,
) -> Result<HttpResponse, Problem> {
    let user = caller.user.id;
    let facts = client.facts(None);
    let deleted = state
        .service
        .delete_account(&caller, body.password, &facts)
        .await;
    deleted.inspect_err(|error| {
        tracing::info!(target: "audit", event = "account_deletion_failed", %user, reason = %error);
    })?;
    tracing::info!(target: "audit", event = "account_deleted", %user);
    Ok(done_with(&caller.session, &state.cookies))
}
