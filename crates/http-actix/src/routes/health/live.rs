//! `GET /healthz`: this process answers.

use actix_web::HttpResponse;
use serde_json::json;

/// Always the same, behind the same middleware as everything else.
pub async fn handle() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "status": "ok" }))
}
