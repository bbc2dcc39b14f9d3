//! The plots of docs/performance.md.

use super::plot::{Plot, bars};
use super::results::{Curve, Point, Results, median};

/// File names and documents.
pub fn all(results: &Results) -> Vec<(&'static str, String)> {
    let mut plots = vec![
        (
            "throughput.svg",
            lines(
                results,
                "concurrency",
                "Throughput",
                "connections",
                "requests/s",
                |p| p.rate,
            ),
        ),
        (
            "latency.svg",
            lines(
                results,
                "concurrency",
                "Latency, p99",
                "connections",
                "µs",
                |p| p.p99,
            ),
        ),
        (
            "size.svg",
            lines(
                results,
                "size",
                "Refreshes by the size of the table",
                "sessions",
                "requests/s",
                |p| p.rate,
            ),
        ),
    ];
    if !results.peers.is_empty() {
        let values: Vec<_> = results
            .peers
            .iter()
            .map(|peer| (peer.name.clone(), median(&peer.refreshes)))
            .collect();
        plots.push(("peers.svg", bars("Refreshes per second", &values)));
    }
    if let Some(svg) = super::soak::plot(results) {
        plots.push(("soak.svg", svg));
    }
    plots
}

fn lines(
    results: &Results,
    plot: &str,
    title: &str,
    x: &str,
    y: &str,
    of: impl Fn(&Point) -> f64,
) -> String {
    let line = |curve: &Curve| {
        let points = curve.points.iter().map(|point| (point.x, of(point)));
        (curve.label.clone(), points.collect())
    };
    let curves = results.curves.iter().filter(|curve| curve.plot == plot);
    let plot = Plot {
        title,
        x,
        y,
        lines: curves.map(line).collect(),
        is_linear: false,
    };
    plot.to_svg()
}
