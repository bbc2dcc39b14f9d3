//! An id for each request, and one line in the log for each answer: never a header, a cookie, a
//! query or a body.

use std::cell::RefCell;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use futures_util::FutureExt;
use token_core::random::{Entropy, SystemEntropy};
use tracing::Instrument;
use uuid::{Builder, Uuid};

use crate::problem::{Code, Problem};

/// The header that names a request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers with the request's id and logs the answer. The id is always made here: one that a
/// client chose could repeat, or pretend to be somebody else's.
pub async fn trace(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let id = request_id().to_string();
    // Of the highest level, so that whatever is logged says of which request it speaks.
    let span = tracing::error_span!(
        "request",
        id,
        method = request.method().as_str(),
        path = request.path(),
    );
    let start = Instant::now();
    async move {
        // Handlers have their own net, in `panics`; this one is for middleware, and holds nothing
        // of the request, so the answer has no more than the problem.
        let inner = AssertUnwindSafe(async { next.call(request).await });
        let Ok(response) = inner.catch_unwind().await else {
            tracing::error!("a middleware panicked");
            return Err(Problem::of(Code::Internal).into());
        };
        let mut response = response?;
        tracing::info!(
            status = response.status().as_u16(),
            micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
            "answered"
        );
        if let Ok(value) = HeaderValue::try_from(id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        Ok(response)
    }
    .instrument(span)
    .await
}

/// Random bytes in store: asking for them costs more than the bytes do.
struct RequestIds {
    store: [u8; Self::SIZE],
    used: usize,
}

impl RequestIds {
    const SIZE: usize = 64 * size_of::<uuid::Bytes>();

    const fn new() -> Self {
        Self {
            store: [0; Self::SIZE],
            used: Self::SIZE,
        }
    }

    fn next(&mut self) -> Uuid {
        if self.used == Self::SIZE {
            SystemEntropy::default().fill(&mut self.store);
            self.used = 0;
        }
        let mut bytes = uuid::Bytes::default();
        let rest = self.store.iter().skip(self.used);
        for (to, from) in bytes.iter_mut().zip(rest) {
            *to = *from;
        }
        self.used += bytes.len();
        Builder::from_random_bytes(bytes).into_uuid()
    }
}

fn request_id() -> Uuid {
    thread_local! {
        static IDS: RefCell<RequestIds> = const { RefCell::new(RequestIds::new()) };
    }
    IDS.with_borrow_mut(RequestIds::next)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use actix_web::middleware::from_fn;
    use actix_web::test::{self, TestRequest};
    use actix_web::{App, HttpResponse, web};
    use serde_json::Value;

    use super::*;
    use crate::telemetry::tests::Captured;

    async fn warns() -> HttpResponse {
        tracing::warn!("careful");
        HttpResponse::NoContent().finish()
    }

    /// The id is on every line, whatever is left out of the log, and once.
    #[actix_web::test]
    async fn lines_say_of_which_request_they_speak() {
        for filter in ["info", "warn"] {
            let captured = Captured::json(filter);
            let app = App::new().route("/x", web::get().to(warns));
            let app = test::init_service(app.wrap(from_fn(trace))).await;
            let request = TestRequest::get().uri("/x?secret=1").to_request();
            let response = test::call_service(&app, request).await;
            let id = response.headers().get(REQUEST_ID).unwrap();
            let text = captured.text();
            assert_eq!(text.lines().count(), 1 + usize::from(filter == "info"));
            for line in text.lines() {
                assert_eq!(line.matches(id.to_str().unwrap()).count(), 1, "{line}");
                let line: Value = serde_json::from_str(line).unwrap();
                assert_eq!(line["span"]["path"], "/x");
            }
            assert!(!text.contains("secret"));
        }
    }

    /// Also across the ends of the store.
    #[test]
    fn ids_do_not_repeat() {
        let mut ids = RequestIds::new();
        let some: HashSet<Uuid> = (0..1_000).map(|_| ids.next()).collect();
        assert_eq!(some.len(), 1_000);
        assert!(some.iter().all(|id| id.get_version_num() == 4));
    }

    async fn broken(
        _: ServiceRequest,
        _: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<String>, Error> {
        panic!("on purpose")
    }

    /// S137: a middleware that panics is a 500 too, and is told.
    #[actix_web::test]
    async fn a_panic_outside_of_handlers_is_an_answer() {
        let captured = Captured::json("warn");
        let app = App::new().wrap(from_fn(broken)).wrap(from_fn(trace));
        let app = test::init_service(app).await;
        for _ in 0..2 {
            let request = TestRequest::get().to_request();
            let error = test::try_call_service(&app, request).await.err().unwrap();
            assert_eq!(error.error_response().status().as_u16(), 500);
        }
        assert_eq!(captured.text().matches("a middleware panicked").count(), 2);
    }
}
