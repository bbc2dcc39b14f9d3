//! What runs beside the requests, on the runtime of the main thread, until the server stops.

mod keys;
mod metrics;
mod outage;
mod poll;
mod sweep;
mod throttle;

use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task::JoinHandle;
use actix_web::rt::time::{self, Interval};
use token_core::service::Service;
use tokio::time::MissedTickBehavior;

use crate::metrics::Metrics;
use crate::throttle::Throttle;

/// Running jobs; dropped, they stop at their next await. Storage finishes what it has begun.
#[derive(Debug)]
pub struct Jobs(Vec<JoinHandle<()>>);

impl Jobs {
    /// Starts all jobs.
    pub fn start(
        service: &Arc<Service>,
        metrics: &Arc<Metrics>,
        throttle: Option<Arc<Throttle>>,
    ) -> Self {
        let mut jobs = vec![
            actix_web::rt::spawn(poll::run(Arc::clone(service), Arc::clone(metrics))),
            actix_web::rt::spawn(keys::run(Arc::clone(service))),
            actix_web::rt::spawn(sweep::run(Arc::clone(service))),
            actix_web::rt::spawn(metrics::run(Arc::clone(metrics))),
        ];
        jobs.extend(throttle.map(|throttle| actix_web::rt::spawn(throttle::run(throttle))));
        Self(jobs)
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        for job in &self.0 {
            job.abort();
        }
    }
}

/// Ticks now and then every `period`; after a delay the next tick is a whole period away.
fn every(period: Duration) -> Interval {
    let mut interval = time::interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
