//! How the revocation set, the clocks and the keys stand, read when somebody asks.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::Gauge;
use token_core::id::KeyId;
use token_core::key::KeyRing;

use super::Sources;
use super::registry::{Metric, Registry, length};

const AGE: Metric = Metric::new(
    "renewd_revocation_age_seconds",
    "Time since the last poll that succeeded began; what it has not brought is not refused here.",
);
const SIZE: Metric = Metric::new(
    "renewd_revocation_set_size",
    "Ended sessions that are remembered, to refuse their access tokens.",
);
const READY: Metric = Metric::new(
    "renewd_revocation_ready",
    "Whether access tokens are verified, or answered 503 because too little is known: 1 or 0.",
);
const OFFSET: Metric = Metric::new(
    "renewd_clock_offset_seconds",
    "How far the database's clock is ahead of this machine's, as last measured.",
);
const PUBLISHED: Metric = Metric::new(
    "renewd_keys_published",
    "Public keys that verify access tokens.",
);
const SIGNING: Metric = Metric::new(
    "renewd_signing_key_info",
    "1 for the published key that signs access tokens, 0 for one that did before.",
);

/// The handles.
pub(super) struct StandingMetrics {
    age: Gauge,
    size: Gauge,
    ready: Gauge,
    offset: Gauge,
    published: Gauge,
    signing: Mutex<Option<Signing>>,
}

/// The key that signs.
struct Signing {
    kid: KeyId,
    gauge: Gauge,
}

impl StandingMetrics {
    pub(super) fn new(registry: &Registry) -> Self {
        Self {
            age: registry.gauge(AGE, &[]),
            size: registry.gauge(SIZE, &[]),
            ready: registry.gauge(READY, &[]),
            offset: registry.gauge(OFFSET, &[]),
            published: registry.gauge(PUBLISHED, &[]),
            signing: Mutex::default(),
        }
    }

    /// Takes over how everything is at this moment.
    pub(super) fn read(&self, registry: &Registry, sources: &Sources) {
        let revocations = &sources.revocations;
        let monotonic = sources.storage.clock().monotonic();
        let age = revocations.staleness(monotonic);
        self.age
            .set(age.map_or(f64::INFINITY, |age| age.as_secs_f64()));
        self.size.set(length(revocations.len()));
        let ready = revocations.is_ready(monotonic);
        self.ready.set(f64::from(u8::from(ready)));
        self.offset
            .set(seconds(sources.storage.clock_offset().as_micros()));
        let keys = sources.service.keys();
        self.published.set(length(keys.published().keys.len()));
        self.name_signing_key(registry, &keys);
    }

    /// Only a published key is named. The name of a configured secret is a digest of it, with which
    /// guesses could be checked.
    fn name_signing_key(&self, registry: &Registry, keys: &KeyRing) {
        let key = keys.access();
        let kid = key.public().map(|_| key.kid());
        let mut signing = self.signing.lock().unwrap_or_else(PoisonError::into_inner);
        if signing.as_ref().map(|signing| &signing.kid) == kid {
            return;
        }
        if let Some(before) = signing.take() {
            before.gauge.set(0.0);
        }
        *signing = kid.map(|kid| {
            let gauge = registry.gauge(SIGNING, &[("kid", kid.as_str())]);
            gauge.set(1.0);
            let kid = kid.clone();
            Signing { kid, gauge }
        });
    }
}

fn seconds(micros: i64) -> f64 {
    let distance = Duration::from_micros(micros.unsigned_abs()).as_secs_f64();
    if micros < 0 { -distance } else { distance }
}
