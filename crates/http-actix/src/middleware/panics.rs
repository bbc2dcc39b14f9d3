//! A panic in a handler is an answer, not the end of a connection or of the process.

use std::panic::AssertUnwindSafe;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, ResponseError};
use futures_util::FutureExt;

use crate::problem::{Code, Problem};

/// Turns a panic into a 500. To be wrapped around a resource, not around the application: it keeps
/// a second reference to the request, which routing does not allow.
pub async fn catch(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let kept = request.request().clone();
    // Nothing that a handler can leave half done is looked at again: what outlives a request is
    // behind locks that survive poisoning, or in the database.
    let Ok(response) = AssertUnwindSafe(next.call(request)).catch_unwind().await else {
        tracing::error!("a handler panicked");
        let answer = Problem::of(Code::Internal).error_response();
        return Ok(ServiceResponse::new(kept, answer));
    };
    Ok(response?.map_into_boxed_body())
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::middleware::from_fn;
    use actix_web::{App, HttpResponse, test, web};

    use super::*;

    async fn broken() -> HttpResponse {
        panic!("on purpose")
    }

    /// S137: the answer is a problem document, and the next request is served.
    #[actix_web::test]
    async fn a_panic_is_a_problem_document() {
        let resource = web::resource("/broken").wrap(from_fn(catch));
        let app = App::new()
            .service(resource.get(broken))
            .route("/fine", web::get().to(HttpResponse::Ok));
        let app = test::init_service(app).await;
        for _ in 0..2 {
            let request = test::TestRequest::get().uri("/broken").to_request();
            let response = test::call_service(&app, request).await;
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            let body: serde_json::Value = test::read_body_json(response).await;
            assert_eq!(body["code"], "internal_error");
            assert!(!body.to_string().contains("purpose"));
        }
        let request = test::TestRequest::get().uri("/fine").to_request();
        assert!(
            test::call_service(&app, request)
                .await
                .status()
                .is_success()
        );
    }
}
