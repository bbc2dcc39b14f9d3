//! `GET /v1/me`: the caller's account.

use actix_web::HttpResponse;

use crate::extract::Caller;
use crate::routes::wire::UserEnvelope;

/// Shows it.
pub async fn handle(Caller(caller): Caller) -> HttpResponse {
    HttpResponse::Ok().json(UserEnvelope::from(&caller.user))
}
