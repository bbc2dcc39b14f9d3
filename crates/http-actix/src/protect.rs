//! What another actix service needs to accept renewd's access tokens.
//!
//! Put one [`Protector`] into the application's data, and take an [`AccessToken`] as an argument
//! of the handlers that want to know who calls; or wrap a scope in [`require`], and nothing inside
//! it runs without a token. Whoever is refused gets a problem document and, with a 401, the
//! challenge of RFC 6750 §3.
//!
//! ```
//! use actix_web::{App, web};
//! use http_actix::protect::{AccessToken, Protector};
//! use token_core::key::{SigningSecret, VerificationKey, VerificationKeys};
//! use token_core::token::access::VerifierPolicy;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = "https://auth.example.com";
//! let secret = SigningSecret::parse("u7Wd0eT3nH5xQk9bR2mYc8sVfLzA1gJp")?;
//! let keys = VerificationKeys::new(vec![VerificationKey::from_secret(&secret)]);
//! let protector = web::Data::new(Protector::new(VerifierPolicy::new(issuer, issuer)?, keys));
//!
//! async fn hello(AccessToken(access): AccessToken) -> String {
//!     format!("Hello, {}!\n", access.subject)
//! }
//! let app = App::new().app_data(protector).route("/hello", web::get().to(hello));
//! # let _ = app;
//! # Ok(())
//! # }
//! ```
//!
//! Tokens are verified without asking anybody, so a logout shows here when the token expires.
//!
//! With the feature `jwks-client`, `Remote` finds the keys of a renewd elsewhere and keeps them
//! fresh, and can follow its feed of ended sessions, so that a logout shows here within moments.

pub(crate) mod credential;
#[cfg(feature = "jwks-client")]
pub mod events;
mod extractor;
mod protector;
#[cfg(feature = "jwks-client")]
mod remote;
pub(crate) mod site;

pub use extractor::{AccessToken, require};
pub use protector::Protector;
#[cfg(feature = "server")]
pub(crate) use protector::refusal;
#[cfg(feature = "jwks-client")]
pub use remote::{Remote, RemoteBuilder, RemoteError};
