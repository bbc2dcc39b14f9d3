//! `GET /readyz`: this process can do its work.

use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::problem::{Code, Problem};
use crate::state::AppState;

/// 200 while storage answers and what is known of ended sessions is fresh.
pub async fn handle(state: web::Data<AppState>) -> Result<HttpResponse, Problem> {
    if state.service.ready().await? {
        Ok(HttpResponse::Ok().json(json!({ "status": "ready" })))
    } else {
        Err(Code::NotReady.into())
    }
}
