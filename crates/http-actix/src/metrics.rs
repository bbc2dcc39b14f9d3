//! What operators measure: every metric of `GET /metrics`, and where it comes from.
//!
//! What happens in requests and jobs is counted where it happens, on handles that were made before:
//! a few atomics each. What storage, the revocation set and the keys know of themselves is read when
//! somebody asks. Labels are names from this code, never from a request.

pub mod feed;
pub mod hashing;
pub mod http;
pub mod outcomes;
mod process;
mod registry;
mod standing;
pub mod storage;

pub use registry::Registry;

use std::sync::Arc;

use storage_diesel::Storage;
use token_core::revocation::RevocationSet;
use token_core::service::Service;

use self::feed::FeedMetrics;
use self::outcomes::Outcomes;
use self::process::ProcessMetrics;
use self::standing::StandingMetrics;
use self::storage::StorageMetrics;

/// What is read when somebody asks.
pub struct Sources {
    /// For the keys.
    pub service: Arc<Service>,
    /// For what it counts itself, and for the clocks.
    pub storage: Arc<Storage>,
    /// For its size and age.
    pub revocations: Arc<RevocationSet>,
}

/// Every metric of this process.
pub struct Metrics {
    /// What logins, registrations and refreshes came to.
    pub outcomes: Outcomes,
    /// How soon ends elsewhere are known here.
    pub feed: FeedMetrics,
    registry: Registry,
    storage: StorageMetrics,
    standing: StandingMetrics,
    process: ProcessMetrics,
    sources: Sources,
}

impl Metrics {
    /// Makes all of them, at zero.
    pub fn new(registry: Registry, sources: Sources) -> Self {
        Self {
            outcomes: Outcomes::new(&registry),
            feed: FeedMetrics::new(&registry),
            storage: StorageMetrics::new(&registry, &sources.storage.stats()),
            standing: StandingMetrics::new(&registry),
            process: ProcessMetrics::new(&registry),
            sources,
            registry,
        }
    }

    /// Where more can be registered.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// All of them in Prometheus' text format.
    pub fn render(&self) -> String {
        self.storage.read(&self.sources.storage.stats());
        self.standing.read(&self.registry, &self.sources);
        self.process.read();
        self.registry.render()
    }
}
