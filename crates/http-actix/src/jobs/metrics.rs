//! Keeps the memory of the metrics small.

use std::sync::Arc;
use std::time::Duration;

use super::every;
use crate::metrics::Metrics;

/// Every request leaves some twenty bytes until then.
const PERIOD: Duration = Duration::from_secs(1);

pub(super) async fn run(metrics: Arc<Metrics>) {
    let mut ticks = every(PERIOD);
    loop {
        ticks.tick().await;
        metrics.registry().tidy();
    }
}
