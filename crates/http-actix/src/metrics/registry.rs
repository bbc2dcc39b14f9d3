//! The registry: makes series, and writes them down for Prometheus.

use std::sync::Arc;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

/// The upper bounds of every histogram, in seconds: from a verification in memory to a password
/// hash in a long queue.
const BUCKETS: [f64; 15] = [
    0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
    10.0,
];
const METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

/// A metric: its name, and what it says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Metric {
    name: &'static str,
    help: &'static str,
}

impl Metric {
    pub(super) const fn new(name: &'static str, help: &'static str) -> Self {
        Self { name, help }
    }

    fn key(self, labels: &[(&'static str, &str)]) -> Key {
        let label = |(name, value): &(&'static str, &str)| Label::new(*name, (*value).to_owned());
        Key::from_parts(self.name, labels.iter().map(label).collect::<Vec<_>>())
    }
}

/// Makes series and knows them all. Clones are the same registry; nothing is global, so that two
/// servers in one process do not count together.
#[derive(Debug, Clone)]
pub struct Registry {
    recorder: Arc<PrometheusRecorder>,
    handle: PrometheusHandle,
}

impl Default for Registry {
    fn default() -> Self {
        Self::new()
    }
}

impl Registry {
    /// Without any series.
    #[expect(
        clippy::expect_used,
        reason = "only an empty list of buckets is refused"
    )]
    pub fn new() -> Self {
        let builder = PrometheusBuilder::new()
            .set_buckets(&BUCKETS)
            .expect("there are buckets");
        let recorder = builder.build_recorder();
        Self {
            handle: recorder.handle(),
            recorder: Arc::new(recorder),
        }
    }

    pub(super) fn counter(&self, metric: Metric, labels: &[(&'static str, &str)]) -> Counter {
        let recorder = &self.recorder;
        recorder.describe_counter(metric.name.into(), None, metric.help.into());
        recorder.register_counter(&metric.key(labels), &METADATA)
    }

    pub(super) fn gauge(&self, metric: Metric, labels: &[(&'static str, &str)]) -> Gauge {
        let recorder = &self.recorder;
        recorder.describe_gauge(metric.name.into(), None, metric.help.into());
        recorder.register_gauge(&metric.key(labels), &METADATA)
    }

    pub(super) fn histogram(&self, metric: Metric, labels: &[(&'static str, &str)]) -> Histogram {
        let recorder = &self.recorder;
        recorder.describe_histogram(metric.name.into(), None, metric.help.into());
        recorder.register_histogram(&metric.key(labels), &METADATA)
    }

    /// Sorts what histograms were given into buckets. Until then they keep every single value, so
    /// it has to be done now and then also where nobody asks.
    pub fn tidy(&self) {
        self.handle.run_upkeep();
    }

    /// Everything that was registered, in Prometheus' text format.
    pub fn render(&self) -> String {
        self.handle.render()
    }
}

/// A count as a gauge has it.
#[expect(
    clippy::cast_precision_loss,
    reason = "beyond 2^53 the last digits do not matter"
)]
pub(super) const fn number(count: u64) -> f64 {
    count as f64
}

/// A length as a gauge has it.
pub(super) fn length(count: usize) -> f64 {
    number(u64::try_from(count).unwrap_or(u64::MAX))
}
