//! Cookies that were passed over, because another of the same name counts or will count, are taken
//! away.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, web};

use crate::cookies::Kind;
use crate::state::AppState;

/// Cookies of which kinds there may be beside the ones that count.
#[derive(Debug, Clone, Default)]
struct PassedOver(Vec<Kind>);

/// Notes that of several cookies of this kind one was chosen, or that a new one takes their place.
pub fn note(request: &HttpRequest, kind: Kind) {
    let mut extensions = request.extensions_mut();
    let mut noted = extensions.remove::<PassedOver>().unwrap_or_default();
    if !noted.0.contains(&kind) {
        noted.0.push(kind);
    }
    extensions.insert(noted);
}

/// Expires what was noted.
pub async fn expire(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let mut response = next.call(request).await?;
    let noted = response.request().extensions_mut().remove::<PassedOver>();
    let state = response.request().app_data::<web::Data<AppState>>();
    let (Some(PassedOver(kinds)), Some(state)) = (noted, state.cloned()) else {
        return Ok(response);
    };
    // The browser chose the cookies by this name of the host, so it is the one to go by.
    let host = response.request().headers().get(header::HOST);
    let host = host
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    for cookie in kinds
        .iter()
        .flat_map(|kind| state.cookies.strays(*kind, &host))
    {
        if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
    }
    Ok(response)
}
