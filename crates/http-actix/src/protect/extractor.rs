//! The two ways to use a [`Protector`]: as an argument of a handler, and around a scope.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, web};
use token_core::token::access::VerifiedAccess;

use super::Protector;
use crate::problem::{Code, Problem};

/// The verified access token of a request.
#[derive(Debug, Clone)]
pub struct AccessToken(
    /// What the token says.
    pub Arc<VerifiedAccess>,
);

impl FromRequest for AccessToken {
    type Error = Problem;
    /// It waits only for keys that have to be fetched first.
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        if let Some(verified) = request.extensions().get::<Self>() {
            return Box::pin(ready(Ok(verified.clone())));
        }
        let request = request.clone();
        Box::pin(async move { verify(&request).await })
    }
}

/// A middleware for `wrap(from_fn(require))`: what is inside runs only with a good access token,
/// which is then there as an [`AccessToken`] without being verified again.
pub async fn require(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    match verify(request.request()).await {
        Ok(token) => {
            request.extensions_mut().insert(token);
            Ok(next.call(request).await?.map_into_boxed_body())
        }
        Err(problem) => Ok(request.error_response(problem)),
    }
}

async fn verify(request: &HttpRequest) -> Result<AccessToken, Problem> {
    let Some(protector) = request.app_data::<web::Data<Protector>>() else {
        // Without it nobody can be let in.
        tracing::error!("the application's data has no Protector");
        return Err(Code::Internal.into());
    };
    protector.verify(request).await.map(AccessToken)
}
