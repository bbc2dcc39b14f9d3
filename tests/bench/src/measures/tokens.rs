//! Verification in token-core, function by function: Criterion measures, in `bench_tokens`.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::results::{Results, Row, Target};
use crate::stage::{Stage, program};
use crate::stats::{self, Pairs};

/// A group of `bench_tokens`, what it is against, and the ratio to reach.
const GROUPS: [(&str, &str, &str, f64); 5] = [
    ("hit", "cache hit", "HMAC-SHA-256 of the same bytes", 1.5),
    (
        "miss_HS256",
        "miss, HS256",
        "the bare check of jsonwebtoken",
        1.15,
    ),
    (
        "miss_ES256",
        "miss, ES256",
        "the bare check of jsonwebtoken",
        1.15,
    ),
    (
        "miss_EdDSA",
        "miss, EdDSA",
        "the bare check of jsonwebtoken",
        1.15,
    ),
    (
        "miss_RS256",
        "miss, RS256 (3072 bits)",
        "the bare check of jsonwebtoken",
        1.15,
    ),
];

pub fn run(stage: &mut Stage, results: &mut Results) -> Result<()> {
    let rounds = if stage.quick { 1 } else { 5 };
    let mut pairs: Vec<Pairs> = GROUPS.iter().map(|_| Pairs::default()).collect();
    let mut library: Vec<Vec<f64>> = GROUPS.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        let written = TempDir::new()?;
        let mut command = Command::new(program("bench_tokens")?);
        command
            .arg(written.path())
            .args(stage.quick.then_some("quick"));
        let status = command.stdout(Stdio::null()).status()?;
        ensure!(status.success(), "bench_tokens: {status}");
        for (((group, ..), pairs), library) in GROUPS.iter().zip(&mut pairs).zip(&mut library) {
            pairs.a.push(median(written.path(), group, "verify")?);
            pairs.b.push(median(written.path(), group, "bare")?);
            if group.starts_with("miss") {
                library.push(median(written.path(), group, "library")?);
            }
        }
    }
    for (((group, what, against, most), pairs), library) in GROUPS.iter().zip(pairs).zip(library) {
        let measure = format!("verification in token-core, {what}");
        let mut notes =
            "Criterion's medians; a whole token as the server makes it, all claims checked"
                .to_owned();
        if !library.is_empty() {
            let took = stats::median(&library);
            let _ = write!(
                notes,
                "; `jsonwebtoken::decode` of it, which checks less, takes {took:.0} ns"
            );
        }
        let row = Row::compared(&format!("tokens_{group}"), &measure, against, "ns", pairs);
        results.row(row.target(Target::AtMost(*most)).notes(notes));
    }
    Ok(())
}

/// What Criterion found, in nanoseconds.
fn median(directory: &Path, group: &str, function: &str) -> Result<f64> {
    let path = directory
        .join(group)
        .join(function)
        .join("new/estimates.json");
    let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let estimates: Value = serde_json::from_str(&text)?;
    estimates["median"]["point_estimate"]
        .as_f64()
        .context("no median")
}
