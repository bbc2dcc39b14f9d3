//! What every handler can reach.

use std::sync::Arc;

use token_core::service::Service;

use crate::cookies::CookiePolicy;
use crate::extract::proxies::TrustedProxies;
use crate::metrics::Metrics;
use crate::middleware::origins::AllowedOrigins;
use crate::status_lists::StatusLists;
use crate::streams::Streams;

/// Shared by all workers.
#[derive(Clone)]
pub struct AppState {
    /// The use cases.
    pub service: Arc<Service>,
    /// How cookies are named and marked.
    pub cookies: CookiePolicy,
    /// Who may call from a browser.
    pub origins: Arc<AllowedOrigins>,
    /// Who may say whose request it is.
    pub proxies: Arc<TrustedProxies>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Which sessions have ended, for verifiers elsewhere.
    pub status_lists: Arc<StatusLists>,
    /// Answers that do not end by themselves.
    pub streams: Arc<Streams>,
}
