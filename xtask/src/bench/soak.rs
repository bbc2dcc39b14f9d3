//! `cargo xtask soak`: a mixed load for long, and whether anything grows.

use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::number::shown;
use super::plot::Plot;
use super::results::{Results, median};
use crate::Outcome;

/// Keep renewd busy for long, and fail where memory, descriptors or latency grow
///
/// A steady mix of verifications, refreshes and constant answers, with a look every 15 s. After
/// three minutes that do not count, the last third has to be where the first two were.
#[derive(Args)]
pub struct Options {
    /// For how long
    #[arg(long, value_name = "NUMBER", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
    minutes: u32,
    /// Keep what was seen, and write the plot of docs/performance.md from it
    #[arg(long)]
    write: bool,
}

pub fn run(options: &Options) -> Result<Outcome> {
    super::build()?;
    let arguments = ["--soak".to_owned(), options.minutes.to_string()];
    let (new, is_flat) = super::measure(&arguments)?;
    if options.write {
        super::render(&super::keep(new)?, false)?;
    }
    Ok(Outcome::passed_if(is_flat))
}

/// Minutes, and of each sample memory, descriptors, p50 and p99.
fn samples(results: &Results) -> Vec<Vec<f64>> {
    let soak = results.soak.as_ref();
    let samples = soak.and_then(|soak| soak["samples"].as_array());
    let sample = |values: &Value| {
        let values = values.as_array().into_iter().flatten();
        values.filter_map(Value::as_f64).collect()
    };
    samples.into_iter().flatten().map(sample).collect()
}

/// The plot, if there was a soak.
pub fn plot(results: &Results) -> Option<String> {
    let samples = samples(results);
    let column = |at: usize, scale: f64| -> Vec<(f64, f64)> {
        let point = |sample: &Vec<f64>| Some((*sample.first()?, sample.get(at)? * scale));
        samples.iter().filter_map(point).collect()
    };
    let plot = Plot {
        title: "Memory, descriptors and latency under a steady load",
        x: "minutes",
        y: "",
        lines: vec![
            ("memory, MiB".to_owned(), column(1, 1.0)),
            ("descriptors".to_owned(), column(2, 1.0)),
            ("p99, tenths of a ms".to_owned(), column(4, 1e-2)),
        ],
        is_linear: true,
    };
    (!samples.is_empty()).then(|| plot.to_svg())
}

/// The same in a table.
pub fn told(results: &Results) -> String {
    let samples = samples(results);
    if samples.is_empty() {
        return "Not run yet.\n".to_owned();
    }
    let mut text =
        "| part | memory | descriptors | p50 | p99 |\n|---|---|---|---|---|\n".to_owned();
    let third = samples.len() / 3;
    for (name, part) in [
        ("first third", &samples[..third]),
        ("second third", &samples[third..third * 2]),
        ("last third", &samples[third * 2..]),
    ] {
        let of = |at: usize| {
            let values: Vec<f64> = part.iter().filter_map(|s| s.get(at).copied()).collect();
            shown(median(&values))
        };
        let _ = writeln!(
            text,
            "| {name} | {} MiB | {} | {} µs | {} µs |",
            of(1),
            of(2),
            of(3),
            of(4)
        );
    }
    text
}
