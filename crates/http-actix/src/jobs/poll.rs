//! Learns of the sessions that other processes ended.

use std::sync::Arc;
use std::time::Duration;

use token_core::service::Service;

use super::every;
use super::outage::Outage;

/// What one process ends, another refuses within half a second, even if storage does not tell it
/// or the word is lost; a poll without news is cheap.
const PERIOD: Duration = Duration::from_millis(100);

pub(super) async fn run(service: Arc<Service>) {
    let mut ticks = every(PERIOD);
    let mut outage = Outage::new("reading the ended sessions");
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = service.sessions_may_have_ended() => ticks.reset(),
        }
        outage.saw(service.poll_ended_sessions().await);
    }
}
