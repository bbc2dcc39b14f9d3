//! Keeps the throttle's memory small.

use std::sync::Arc;
use std::time::Duration;

use super::every;
use crate::throttle::Throttle;

const PERIOD: Duration = Duration::from_secs(10);

pub(super) async fn run(throttle: Arc<Throttle>) {
    let mut ticks = every(PERIOD);
    loop {
        ticks.tick().await;
        throttle.tidy();
    }
}
