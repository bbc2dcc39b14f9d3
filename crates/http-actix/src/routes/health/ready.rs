//! `GET /readyz`: this process can do its work.

use std::time::Duration;

use actix_web::rt::time::timeout;
use actix_web::{HttpResponse, web};
use serde_json::json;

use crate::problem::{Code, Problem};
use crate::state::AppState;

/// Whoever probes gives up too; storage that takes longer is not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// 200 while storage answers and what is known of ended sessions is fresh.
pub async fn handle(state: web::Data<AppState>) -> Result<HttpResponse, Problem> {
    match timeout(PATIENCE, state.service.ready()).await {
        Ok(Ok(true)) => Ok(HttpResponse::Ok().json(json!({ "status": "ready" }))),
        Ok(Err(error)) => Err(error.into()),
        Ok(Ok(false)) | Err(_) => Err(Code::NotReady.into()),
    }
}
