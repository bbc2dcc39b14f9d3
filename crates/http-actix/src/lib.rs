//! The HTTP edge of renewd on actix-web.
//!
//! Without the feature `server` this is a library that protects another actix service with
//! renewd's tokens: see [`protect`]. With it (the default) it is also everything that the program
//! `renewd` is made of.

#[cfg(feature = "server")]
pub mod app;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod cookies;
#[cfg(feature = "server")]
pub mod error;
#[cfg(feature = "server")]
pub mod extract;
#[cfg(feature = "server")]
pub mod hashing;
#[cfg(feature = "server")]
pub mod jobs;
#[cfg(feature = "server")]
pub mod middleware;
#[cfg(feature = "server")]
pub mod oauth;
pub mod problem;
pub mod protect;
#[cfg(feature = "server")]
pub mod routes;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod state;
#[cfg(feature = "server")]
pub mod telemetry;
#[cfg(feature = "server")]
pub mod throttle;
