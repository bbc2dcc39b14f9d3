//! Counts every request and how long it took.

use std::rc::Rc;
use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

use crate::metrics::http::HttpMetrics;

/// Counts a request under the name of its resource, which is its pattern in the route table. One
/// whose client goes away before the answer is only in flight, and never answered.
pub async fn measure(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let Some(metrics) = request.app_data::<Rc<HttpMetrics>>().cloned() else {
        return next.call(request).await;
    };
    let _in_flight = metrics.begin();
    let method = request.method().clone();
    let start = Instant::now();
    let answer = next.call(request).await;
    let (route, status) = match &answer {
        Ok(response) => (response.request().match_name(), response.status()),
        Err(error) => (None, error.as_response_error().status_code()),
    };
    metrics.answered(route, &method, status, start.elapsed());
    answer
}
