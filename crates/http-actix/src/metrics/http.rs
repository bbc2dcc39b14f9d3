//! Requests, by route, method and status.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use metrics::{Counter, Gauge, Histogram};

use super::registry::{Metric, Registry};

const REQUESTS: Metric = Metric::new("renewd_http_requests_total", "Requests that were answered.");
const DURATION: Metric = Metric::new(
    "renewd_http_request_duration_seconds",
    "Time from the head of a request to the head of its answer.",
);
const IN_FLIGHT: Metric = Metric::new(
    "renewd_http_requests_in_flight",
    "Requests that are being answered.",
);
/// The route of a path where nothing is, and the method of a request with one of its own making.
const OTHER: &str = "other";

/// What one worker counts. Its series are made when they are first needed; after that a request
/// costs two look-ups in the worker's own map and a few atomics.
pub struct HttpMetrics {
    registry: Registry,
    in_flight: Gauge,
    /// By route, then few enough to look through.
    series: RefCell<HashMap<String, Vec<Series>>>,
}

struct Series {
    method: &'static str,
    status: StatusCode,
    count: Counter,
    duration: Histogram,
}

impl HttpMetrics {
    /// For a worker that has answered nothing yet.
    pub fn new(registry: &Registry) -> Rc<Self> {
        Rc::new(Self {
            in_flight: registry.gauge(IN_FLIGHT, &[]),
            registry: registry.clone(),
            series: RefCell::default(),
        })
    }

    /// A request came; it is in flight until the answer is dropped, also where it gets none.
    pub fn begin(self: &Rc<Self>) -> InFlight {
        self.in_flight.increment(1.0);
        InFlight(Rc::clone(self))
    }

    /// A request was answered. `route` is the pattern of the route table, if it has one.
    pub fn answered(
        &self,
        route: Option<&str>,
        method: &Method,
        status: StatusCode,
        took: Duration,
    ) {
        let (route, method) = (route.unwrap_or(OTHER), known(method));
        let mut series = self.series.borrow_mut();
        if !series.contains_key(route) {
            series.insert(route.to_owned(), Vec::new());
        }
        let Some(of_route) = series.get_mut(route) else {
            return;
        };
        let found = of_route
            .iter()
            .find(|one| one.method == method && one.status == status);
        if let Some(found) = found {
            found.record(took);
        } else {
            let new = Series::new(&self.registry, route, method, status);
            new.record(took);
            of_route.push(new);
        }
    }
}

impl Series {
    fn new(registry: &Registry, route: &str, method: &'static str, status: StatusCode) -> Self {
        let labels = [
            ("route", route),
            ("method", method),
            ("status", status.as_str()),
        ];
        Self {
            method,
            status,
            count: registry.counter(REQUESTS, &labels),
            duration: registry.histogram(DURATION, &labels),
        }
    }

    fn record(&self, took: Duration) {
        self.count.increment(1);
        self.duration.record(took);
    }
}

/// A request that is being answered.
pub struct InFlight(Rc<HttpMetrics>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.decrement(1.0);
    }
}

/// Anybody can make up methods; these are the ones that are counted apart.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strangers_make_no_series() {
        let registry = Registry::new();
        let worker = HttpMetrics::new(&registry);
        for n in 0..100 {
            let method = Method::from_bytes(format!("M{n}").as_bytes()).unwrap();
            let took = Duration::from_millis(n);
            worker.answered(None, &method, StatusCode::NOT_FOUND, took);
        }
        let text = registry.render();
        let counts: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("renewd_http_requests_total{"))
            .collect();
        let expected =
            r#"renewd_http_requests_total{route="other",method="other",status="404"} 100"#;
        assert_eq!(counts, [expected]);
    }

    #[test]
    fn workers_count_together() {
        let registry = Registry::new();
        for _ in 0..2 {
            let worker = HttpMetrics::new(&registry);
            let _open = worker.begin();
            drop(worker.begin());
            let took = Duration::from_millis(3);
            worker.answered(Some("/a/{id}"), &Method::GET, StatusCode::OK, took);
            let text = registry.render();
            assert!(
                text.contains("renewd_http_requests_in_flight 1\n"),
                "{text}"
            );
        }
        let text = registry.render();
        for line in [
            r#"renewd_http_requests_total{route="/a/{id}",method="GET",status="200"} 2"#,
            r#"renewd_http_request_duration_seconds_bucket{route="/a/{id}",method="GET",status="200",le="0.0025"} 0"#,
            r#"renewd_http_request_duration_seconds_bucket{route="/a/{id}",method="GET",status="200",le="0.005"} 2"#,
            "renewd_http_requests_in_flight 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}: {text}");
        }
    }
}
