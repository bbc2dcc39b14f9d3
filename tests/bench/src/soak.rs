//! A mixed load for long: memory, descriptors and latency have to stay where they are.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::Database;
use serde_json::json;

use crate::measures;
use crate::procfs::{anonymous_mebibytes, descriptors};
use crate::results::Results;
use crate::seed::stocked;
use crate::stage::{Stage, setup};
use crate::stats::median;
use crate::token_pool::TokenPool;

/// Requests per second: about a tenth of what the machine can, so that its own bad moments do not
/// show as ours.
const RATE: u32 = 2_000;
/// One sample.
const SECONDS: u32 = 15;
/// Samples that do not count: the server remembers verified tokens, and how many it does not yet
/// remember shows in its memory and in its latency.
const WARM_UP: u32 = 12;
/// What the end may be above the beginning: as a factor, and beside it so much.
const MEMORY: (f64, f64) = (1.15, 4.0);
const LATENCY: (f64, f64) = (2.0, 2_000.0);

/// One look at the server.
struct Sample {
    minute: f64,
    memory: f64,
    descriptors: f64,
    p50: f64,
    p99: f64,
}

/// Runs it, and fails where something grows.
pub fn run(stage: &mut Stage, results: &mut Results, minutes: u32) -> Result<()> {
    let server = stocked(setup(Database::sqlite()), 100_000)?;
    // Each sample leaves the tokens behind whose answers it did not wait for.
    let pool = TokenPool::draw(&server, 50_000)?;
    let load = stage
        .scripts
        .load("mixed.lua", &measures::url(&server, "/"));
    let load = load.file(pool.path()).argument(RATE.to_string());
    let load = load.connections(64).seconds(SECONDS);
    let mut samples: Vec<Sample> = Vec::new();
    for number in 1..=WARM_UP + (minutes * 60 / SECONDS).max(6) {
        let told = load.run()?;
        // The server notices a moment later that its clients have gone.
        thread::sleep(Duration::from_millis(500));
        let sample = Sample {
            minute: f64::from(number * SECONDS) / 60.0,
            memory: anonymous_mebibytes(server.pid())?,
            descriptors: descriptors(server.pid())? as f64,
            p50: told.p50 as f64,
            p99: told.p99 as f64,
        };
        println!(
            "{:6.1} min: {:.1} MiB, {} descriptors, p50 {} µs, p99 {} µs",
            sample.minute, sample.memory, sample.descriptors, sample.p50, sample.p99
        );
        if number > WARM_UP {
            samples.push(sample);
        }
    }
    let told: Vec<_> = samples
        .iter()
        .map(|s| json!([s.minute, s.memory, s.descriptors, s.p50, s.p99]))
        .collect();
    results.soak(json!({ "minutes": minutes, "rate": RATE, "samples": told }));
    is_flat("memory", &samples, MEMORY, |sample| sample.memory)?;
    is_flat("descriptors", &samples, (1.0, 8.0), |sample| {
        sample.descriptors
    })?;
    is_flat("p99", &samples, LATENCY, |sample| sample.p99)
}

/// Compares the last third with the first two.
fn is_flat(
    what: &str,
    samples: &[Sample],
    (factor, more): (f64, f64),
    of: impl Fn(&Sample) -> f64,
) -> Result<()> {
    let third = samples.len() / 3;
    let values: Vec<f64> = samples.iter().map(of).collect();
    let (before, after) = values.split_at(third * 2);
    let (before, after) = (median(before), median(after));
    println!("{what}: {before:.1}, then {after:.1}");
    ensure!(
        after <= before * factor + more,
        "{what} grows: {before:.1}, then {after:.1}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_is_not_flat() {
        let samples = |slope: f64| -> Vec<Sample> {
            (0..30)
                .map(|n| Sample {
                    minute: f64::from(n),
                    memory: 30.0 + slope * f64::from(n),
                    descriptors: 80.0,
                    p50: 200.0,
                    p99: 900.0,
                })
                .collect()
        };
        assert!(is_flat("memory", &samples(0.01), MEMORY, |s| s.memory).is_ok());
        assert!(is_flat("memory", &samples(2.0), MEMORY, |s| s.memory).is_err());
    }
}
