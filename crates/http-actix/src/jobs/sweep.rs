//! Deletes what no token can need any more.

use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task;
use token_core::service::Service;

use super::every;
use super::outage::Outage;

const PERIOD: Duration = Duration::from_mins(10);

pub(super) async fn run(service: Arc<Service>) {
    let mut ticks = every(PERIOD);
    let mut outage = Outage::new("sweeping");
    loop {
        ticks.tick().await;
        loop {
            match service.sweep().await {
                Ok(0) => {
                    outage.saw(Ok::<_, std::convert::Infallible>(()));
                    break;
                }
                Ok(deleted) => {
                    tracing::debug!(deleted, "sessions swept");
                    // Requests that queued up meanwhile go first.
                    task::yield_now().await;
                }
                Err(error) => {
                    outage.saw(Err(error));
                    break;
                }
            }
        }
    }
}
