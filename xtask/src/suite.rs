//! Some of the end-to-end tests in a longer form than `cargo xtask test` gives them, and
//! the lines in which they tell what they did and saw.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::postgres::Cluster;
use crate::test::{build, hand_over};
use crate::workspace::{binary, cargo, output, told};

/// Tests that are built and can be run.
pub struct Suite {
    names: Vec<String>,
}

impl Suite {
    /// Builds everything, and takes the tests whose names are as wanted.
    pub fn of(wanted: impl Fn(&str) -> bool) -> Result<Self> {
        build()?;
        let listed = output(tests().args(["--list", "--format", "terse"]))?;
        let names: Vec<String> = listed
            .lines()
            .filter_map(|line| line.strip_suffix(": test"))
            .filter(|name| wanted(name))
            .map(str::to_owned)
            .collect();
        ensure!(!names.is_empty(), "there is no such test");
        Ok(Self { names })
    }

    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Runs the tests with these settings, on a throwaway PostgreSQL, and passes their
    /// output on. Answers what stands behind `mark: ` in it, split at ` | `; and whether
    /// all is well.
    pub fn run(&self, settings: &[(&str, String)], mark: &str) -> Result<(Vec<Story>, bool)> {
        let cluster = Cluster::start()?;
        let mut command = tests();
        command
            .args(["--nocapture", "--exact"])
            .args(&self.names)
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .env("RENEWD_BIN", binary("renewd")?)
            .env("RENEWCTL_BIN", binary("renewctl")?);
        hand_over(&mut command, &cluster);
        let (lines, well) = told(&mut command)?;
        let stories = lines.iter().filter_map(|line| story(line, mark));
        Ok((stories.collect(), well))
    }
}

/// What a test tells, in parts.
pub type Story = Vec<String>;

/// Reads `mark: part | part | …`.
pub fn story(line: &str, mark: &str) -> Option<Story> {
    // With one test at a time its name stands before it, on the same line.
    let (_, told) = line.split_once(&format!("{mark}: "))?;
    let parts = told.split(" | ").map(|part| part.trim().to_owned());
    Some(parts.collect())
}

/// The program with the end-to-end tests.
fn tests() -> Command {
    let mut command = cargo();
    command.args(["test", "--release", "--quiet", "--workspace"]);
    command.args(["--test", "e2e", "--"]);
    command
}
