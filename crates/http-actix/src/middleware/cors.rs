//! Cross-origin reading (the Fetch standard's CORS protocol): exact origins, with credentials.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, web};

use super::origins::AllowedOrigins;
use crate::state::AppState;

/// Headers of answers that pages may read beside those that they always may.
const EXPOSED: HeaderValue =
    HeaderValue::from_static("etag, retry-after, www-authenticate, x-request-id");
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE");
const HEADERS: HeaderValue = HeaderValue::from_static("authorization, content-type");
/// How many seconds a browser may remember a preflight.
const REMEMBERED: HeaderValue = HeaderValue::from_static("600");
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// Answers preflights of allowed origins, and lets their pages read answers. What a handler has
/// made public for everybody stays so, without credentials.
pub async fn share(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let state = request.app_data::<web::Data<AppState>>();
    let allowed = state.and_then(|state| allowed_origin(request.headers(), &state.origins));
    let mut response = match &allowed {
        Some(_) if is_preflight(&request) => {
            let mut answer = HttpResponse::NoContent();
            answer.insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, METHODS));
            answer.insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, HEADERS));
            answer.insert_header((header::ACCESS_CONTROL_MAX_AGE, REMEMBERED));
            request.into_response(answer.finish())
        }
        Some(_) | None => next.call(request).await?.map_into_boxed_body(),
    };
    mark(response.headers_mut(), allowed);
    Ok(response)
}

fn is_preflight(request: &ServiceRequest) -> bool {
    request.method() == Method::OPTIONS
        && request
            .headers()
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The request's origin, if it is in the list.
fn allowed_origin(headers: &HeaderMap, origins: &AllowedOrigins) -> Option<HeaderValue> {
    let mut values = headers.get_all(header::ORIGIN);
    let origin = values.next().filter(|_| values.next().is_none())?;
    origins
        .contains(origin.to_str().ok()?)
        .then(|| origin.clone())
}

fn mark(headers: &mut HeaderMap, allowed: Option<HeaderValue>) {
    const VARY: HeaderName = header::VARY;
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        return;
    }
    if let Some(origin) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}
