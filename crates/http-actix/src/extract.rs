//! What handlers take from a request, parsed: credentials, bodies, facts about the client.

pub mod access;
pub mod body;
pub mod client;
pub mod members;
pub mod proxies;
pub mod refresh;

pub use access::{Access, Caller};
pub use body::{JsonBody, OptionalJsonBody};
pub use client::Client;
pub use members::{FromMembers, Members};

use actix_web::{HttpRequest, web};

use crate::problem::{Code, Problem};
use crate::state::AppState;

/// The application's state, for extractors.
pub(crate) fn state(request: &HttpRequest) -> Result<web::Data<AppState>, Problem> {
    request
        .app_data::<web::Data<AppState>>()
        .cloned()
        .ok_or_else(|| {
            tracing::error!("the application's data has no state");
            Code::Internal.into()
        })
}
