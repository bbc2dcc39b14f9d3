//! Learns of keys that other processes made.

use std::sync::Arc;
use std::time::Duration;

use token_core::service::Service;

use super::every;
use super::outage::Outage;

/// A new key is made known on every node before it is used.
const PERIOD: Duration = Duration::from_secs(10);

pub(super) async fn run(service: Arc<Service>) {
    let mut ticks = every(PERIOD);
    let mut outage = Outage::new("reading the keys");
    loop {
        ticks.tick().await;
        // The ring that is there stays in use where this fails.
        outage.saw(service.reload_keys().await.map(drop));
    }
}
