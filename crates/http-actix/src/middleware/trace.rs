//! An id for each request, and one line in the log for each answer: never a header, a cookie, a
//! query or a body.

use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use token_core::random::{self, SystemEntropy};
use tracing::Instrument;
use uuid::{Builder, Uuid};

/// The header that names a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers with the request's id and logs the answer. The id is always made here: one that a
/// client chose could repeat, or pretend to be somebody else's.
pub async fn trace(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = request_id();
    let span = tracing::info_span!(
        "request",
        id = %id,
        method = %request.method(),
        path = request.path(),
    );
    let start = Instant::now();
    async move {
        let mut response = next.call(request).await?;
        tracing::info!(
            status = response.status().as_u16(),
            micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
        if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        Ok(response)
    }
    .instrument(span)
    .await
}

fn request_id() -> Uuid {
    thread_local! {
        static ENTROPY: SystemEntropy = SystemEntropy::default();
    }
    Builder::from_random_bytes(ENTROPY.with(|entropy| random::bytes(entropy))).into_uuid()
}
