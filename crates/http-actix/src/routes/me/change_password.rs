//! `POST /v1/me/password`: a new password; every session ends, and a fresh one begins.

use actix_web::{HttpResponse, web};
use token_core::password::{CandidatePassword, PresentedPassword};
use token_core::secret::SecretString;
use token_core::user::User;

use crate::error::fields::Fault;
use crate::extract::{Caller, Client, FromMembers, JsonBody, Members};
use crate::problem::Problem;
use crate::routes::wire::PairAnswer;
use crate::state::AppState;

/// `{current_password, new_password}`.
#[derive(Debug)]
pub struct Body {
    current: PresentedPassword,
    new: SecretString,
}

impl FromMembers for Body {
    fn read(members: &mut Members, _: &AppState) -> Option<Self> {
        let current = members.required_text("current_password");
        let new = members.required_text("new_password");
        Some(Self {
            current: PresentedPassword::new(&current?),
            new: SecretString::new(new?),
        })
    }
}

/// Changes it.
pub async fn handle(
    Caller(caller): Caller,
    state: web::Data<AppState>,
    client: Client,
    JsonBody(body): JsonBody<Body>,
) -> Result<HttpResponse, Problem> {
    let new = candidate(&body.new, &caller.user, &state)?;
    let user = caller.user.id;
    let facts = client.facts(None);
    let changed = state
        .service
        .change_password(&caller, body.current, new, facts)
        .await;
    let pair = changed.inspect_err(|error| {
        tracing::info!(target: "audit", event = "password_change_failed", %user, reason = %error);
    })?;
    let session = pair.session.id;
    tracing::info!(target: "audit", event = "password_changed", %user, %session);
    PairAnswer::new(&pair).respond(&state.cookies)
}

/// The new password, if it is long enough, beside what somebody who knows the user would try first.
fn candidate(
    new: &SecretString,
    user: &User,
    state: &AppState,
) -> Result<CandidatePassword, Problem> {
    let context = [
        user.username.as_str(),
        user.email.as_str(),
        user.full_name.as_str(),
    ];
    let policy = state.service.password_policy();
    policy
        .candidate(new.expose(), &context)
        .map_err(|error| Fault::from(error).alone_at("new_password"))
}
