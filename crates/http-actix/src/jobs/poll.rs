//! Learns of the sessions that other processes ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use token_core::service::Service;

use super::every;
use super::outage::Outage;
use crate::metrics::Metrics;

/// What one process ends, another refuses within half a second, even if storage does not tell it
/// or the word is lost; a poll without news is cheap.
const PERIOD: Duration = Duration::from_millis(100);

pub(super) async fn run(service: Arc<Service>, metrics: Arc<Metrics>) {
    let mut ticks = every(PERIOD);
    let mut outage = Outage::new("reading the ended sessions");
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = service.sessions_may_have_ended() => ticks.reset(),
        }
        let started = Instant::now();
        let polled = service.poll_ended_sessions().await;
        metrics.feed.polled(&polled, started.elapsed());
        outage.saw(polled.map(drop));
    }
}
