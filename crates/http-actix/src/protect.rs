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

pub(crate) mod credential;
mod extractor;
mod protector;
pub(crate) mod site;

pub use extractor::{AccessToken, require};
pub use protector::Protector;
#[cfg(feature = "server")]
pub(crate) use protector::refusal;
