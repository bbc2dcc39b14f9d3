//! The size of the program.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use e2e::process;
use tempfile::TempDir;

use crate::results::{Results, Row, Target};
use crate::stage::Stage;

pub fn run(_: &mut Stage, results: &mut Results) -> Result<()> {
    let directory = TempDir::new()?;
    let copy = directory.path().join("renewd");
    fs::copy(process::renewd(), &copy)?;
    let stripped = Command::new("strip").arg(&copy).status();
    ensure!(
        stripped.context("cannot run strip")?.success(),
        "strip fails"
    );
    let size = fs::metadata(&copy)?.len() as f64 / f64::from(1 << 20);
    let row = Row::alone(
        "program",
        "size of the stripped `renewd`",
        "MiB",
        vec![size],
    );
    results.row(
        row.target(Target::AtMost(25.0))
            .notes("the release profile, with SQLite, libpq, OpenSSL and AWS-LC inside"),
    );
    Ok(())
}
