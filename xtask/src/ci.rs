//! `cargo xtask ci`: the checks of CI beside the tests.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::workspace::{cargo, succeeds};
use crate::{Outcome, floors, fuzz, tidy};

/// One check: its name in the table, and what it does.
type Stage = (&'static str, fn() -> Result<Outcome>);

/// In the order of their price, so that the cheap ones speak first.
const STAGES: [Stage; 8] = [
    ("formatting", formatting),
    ("lock file of the fuzz targets", lock_file_of_fuzz_targets),
    ("version floors", version_floors),
    ("tidy", tidy::run),
    ("clippy", clippy),
    ("clippy, http-actix as a library", clippy_of_the_library),
    ("clippy, and with jwks-client", clippy_of_the_client),
    ("documentation", documentation),
];

pub fn run() -> Outcome {
    let results = STAGES.map(|(name, stage)| {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = stage().unwrap_or_else(|error| {
            println!("{error:#}");
            Outcome::Failed
        });
        let elapsed = start.elapsed();
        println!("== {name}: {}", verdict(outcome, elapsed));
        (name, outcome, elapsed)
    });
    println!();
    for (name, outcome, elapsed) in results {
        println!("{name:<34}{}", verdict(outcome, elapsed));
    }
    Outcome::passed_if(
        results
            .iter()
            .all(|(_, outcome, _)| *outcome == Outcome::Passed),
    )
}

fn verdict(outcome: Outcome, elapsed: Duration) -> String {
    let word = match outcome {
        Outcome::Passed => "ok",
        Outcome::Failed => "FAILED",
    };
    format!("{word:<7}{:>7.1} s", elapsed.as_secs_f64())
}

fn formatting() -> Result<Outcome> {
    check(cargo().args(["fmt", "--all", "--check"]))
}

/// The fuzz targets are a workspace of their own, which takes the crates of this one: a new
/// dependency of theirs has to be in its lock file too. This one's was brought up to date by cargo
/// when it built xtask, so that `.ci/run` looks at it before that.
fn lock_file_of_fuzz_targets() -> Result<Outcome> {
    let manifest = format!("{}/Cargo.toml", fuzz::PACKAGE);
    let fetch = ["fetch", "--manifest-path", &manifest];
    let outcome = check(cargo().args(fetch).arg("--locked"))?;
    if outcome == Outcome::Failed {
        println!("`cargo {}` brings it up to date", fetch.join(" "));
    }
    Ok(outcome)
}

/// All targets, in the profile of the tests: nothing is compiled twice. Warnings
/// are denied behind `--`, because RUSTFLAGS would rebuild every dependency.
fn clippy() -> Result<Outcome> {
    check(cargo().args([
        "clippy",
        "--release",
        "--workspace",
        "--all-targets",
        "--",
        "-Dwarnings",
    ]))
}

/// The form in which another actix service takes http-actix, examples included.
fn clippy_of_the_library() -> Result<Outcome> {
    clippy_without_server(&["--lib", "--examples"])
}

/// Likewise, with the feature that fetches keys, and its tests.
fn clippy_of_the_client() -> Result<Outcome> {
    clippy_without_server(&["--features", "jwks-client", "--all-targets"])
}

fn clippy_without_server(what: &[&str]) -> Result<Outcome> {
    check(
        cargo()
            .args(["clippy", "--release", "--package", "http-actix"])
            .arg("--no-default-features")
            .args(what)
            .args(["--", "-Dwarnings"]),
    )
}

fn documentation() -> Result<Outcome> {
    check(
        cargo()
            .args(["doc", "--release", "--workspace", "--no-deps"])
            .env("RUSTDOCFLAGS", "-Dwarnings"),
    )
}

/// Compiling cargo-deny takes longer than all of this, so it is used where it is
/// installed; the floors, bans and sources of deny.toml are checked regardless.
fn version_floors() -> Result<Outcome> {
    let floors = floors::run()?;
    if !has_cargo_deny() {
        println!("cargo-deny is not installed: deny.toml was read without it (licences unchecked)");
        return Ok(floors);
    }
    let deny = check(cargo().args(["deny", "check", "bans", "licenses", "sources"]))?;
    Ok(Outcome::passed_if(
        floors == Outcome::Passed && deny == Outcome::Passed,
    ))
}

fn has_cargo_deny() -> bool {
    cargo()
        .args(["deny", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
}

fn check(command: &mut Command) -> Result<Outcome> {
    Ok(Outcome::passed_if(succeeds(command)?))
}
