//! `POST /v1/register`: makes an account.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use token_core::service::{RegisterError, Registration};
use token_core::user::{Email, FullName, Username};

use crate::extract::{self, Client, FromMembers, JsonBody, Members};
use crate::problem::{Code, Problem};
use crate::routes::wire::UserEnvelope;
use crate::state::AppState;

/// Somebody may make an account here: asked before the body is read.
#[derive(Debug)]
pub struct RegistrationOpen;

impl FromRequest for RegistrationOpen {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(extract::state(request).and_then(|state| {
            if state.service.registration_is_open() {
                Ok(Self)
            } else {
                let closed = Err(&RegisterError::Closed);
                state.metrics.outcomes.registered(closed);
                Err(Code::RegistrationClosed.into())
            }
        }))
    }
}

/// `{username, email, full_name, password}`.
#[derive(Debug)]
pub struct Body(Registration);

impl FromMembers for Body {
    fn read(members: &mut Members, state: &AppState) -> Option<Self> {
        let username = members.required("username", Username::parse);
        let email = members.required("email", Email::parse);
        let full_name = members.required("full_name", FullName::parse);
        // Only names that are names: what they are measured by has a bound.
        let context: Vec<&str> = [
            username.as_ref().map(Username::as_str),
            email.as_ref().map(Email::as_str),
            full_name.as_ref().map(FullName::as_str),
        ]
        .into_iter()
        .flatten()
        .collect();
        let policy = state.service.password_policy();
        let password = members.required("password", |text| policy.candidate(text, &context));
        Some(Self(Registration {
            username: username?,
            email: email?,
            full_name: full_name?,
            password: password?,
        }))
    }
}

/// Makes the account.
pub async fn handle(
    _open: RegistrationOpen,
    state: web::Data<AppState>,
    client: Client,
    JsonBody(Body(registration)): JsonBody<Body>,
) -> Result<HttpResponse, Problem> {
    let address = client.facts(None).ip;
    let outcome = state.service.register(registration, address).await;
    state.metrics.outcomes.registered(outcome.as_ref());
    let user = outcome?;
    tracing::info!(target: "audit", event = "registered", user = %user.id);
    Ok(HttpResponse::Created().json(UserEnvelope::from(&user)))
}
