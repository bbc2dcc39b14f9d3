//! `pgbench`: what PostgreSQL does on this machine with nothing in front of it.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use e2e::Cluster;
use tempfile::TempDir;

/// One row by its key, again and again.
const UPDATE: &str = "\\set aid random(1, 100000)
UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :aid;
";

/// Its table, in the cluster's database.
pub struct Pgbench {
    program: PathBuf,
    url: String,
    script: TempDir,
}

impl Pgbench {
    /// Fills the table: a hundred thousand rows, with the room that renewd's have.
    pub fn new(cluster: &Cluster) -> Result<Self> {
        let directory = env::var_os("RENEWD_TEST_POSTGRES_BIN").map(PathBuf::from);
        let pgbench = Self {
            program: directory.unwrap_or_default().join("pgbench"),
            url: cluster.url(),
            script: TempDir::new()?,
        };
        fs::write(pgbench.script.path().join("update.sql"), UPDATE)?;
        pgbench.run(&[
            "--initialize",
            "--quiet",
            "--scale",
            "1",
            "--fillfactor",
            "75",
        ])?;
        Ok(pgbench)
    }

    /// Updates per second.
    pub fn updates(&self, seconds: u32) -> Result<f64> {
        let script = self.script.path().join("update.sql").display().to_string();
        let said = self.run(&[
            "--no-vacuum",
            "--protocol",
            "prepared",
            "--client",
            "32",
            "--jobs",
            "1",
            "--time",
            &seconds.to_string(),
            "--file",
            &script,
        ])?;
        let line = said.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = line.and_then(|rest| rest.split_whitespace().next());
        Ok(rate.context("pgbench tells no rate")?.parse()?)
    }

    fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.program)
            .args(arguments)
            .arg(&self.url)
            .output()
            .context("cannot run pgbench")?;
        let complained = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench: {complained}");
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
