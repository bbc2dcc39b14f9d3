//! `GET /metrics`: what this process counts, for Prometheus.

use actix_web::{HttpResponse, web};

use crate::state::AppState;

/// The text format that every version of Prometheus reads.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All metrics. Asks nothing of the database.
pub async fn handle(state: web::Data<AppState>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type(TEXT)
        .body(state.metrics.render())
}
