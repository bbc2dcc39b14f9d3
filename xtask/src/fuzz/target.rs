//! One target: what it starts from, how it is run, and what it tells.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::build::{Build, PACKAGE, committed};
use crate::workspace::{root, succeeds};

/// The longest input that libFuzzer makes: more than any limit of the parsers but that of bodies,
/// which the corpus of the requests reaches by itself.
const LONGEST: &str = "-max_len=12288";
/// An input that takes longer than this is a finding, in seconds.
const TIMEOUT: &str = "-timeout=10";

/// A program of tests/fuzz.
pub struct Target {
    pub name: String,
}

/// What one run of a target came to.
pub struct Run {
    pub name: String,
    pub seconds: u32,
    /// How many inputs were tried.
    pub executions: u64,
    /// How many branches were reached.
    pub edges: u64,
    /// How many inputs are worth keeping, the committed ones included.
    pub inputs: u64,
    /// What failed and how it is tried again.
    pub finding: Option<String>,
}

impl Target {
    /// All of them, by name.
    pub fn all() -> Result<Vec<Self>> {
        let directory = root().join(PACKAGE).join("fuzz_targets");
        let mut targets = Vec::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if let Some(name) = path.file_stem().and_then(|name| name.to_str()) {
                let name = name.to_owned();
                targets.push(Self { name });
            }
        }
        targets.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(targets)
    }

    /// Looks for new inputs for so long, from those that are committed and those that were found
    /// before.
    pub fn run(&self, build: &Build, seconds: u32) -> Result<Run> {
        let found = build.directory("corpus", &self.name)?;
        let findings = build.directory("findings", &self.name)?;
        // The application's database: what an earlier run left behind goes.
        let scratch = build.directory("scratch", &self.name)?;
        fs::remove_dir_all(&scratch)?;
        fs::create_dir_all(&scratch)?;
        let mut command = self.program(build);
        command
            .env("TMPDIR", scratch)
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", findings.display()))
            .args(["-print_final_stats=1", LONGEST, TIMEOUT])
            .args(self.dictionary())
            .arg(&found)
            .arg(self.corpus()?);
        let output = command.output().with_context(|| self.name.clone())?;
        let told = String::from_utf8_lossy(&output.stderr);
        println!(
            "{}: {}",
            self.name,
            told.lines()
                .rev()
                .find(|line| line.contains(" cov: "))
                .unwrap_or("nothing")
        );
        let finding = (!output.status.success()).then(|| self.finding(&told));
        Ok(Run {
            name: self.name.clone(),
            seconds,
            executions: figure(&told, "stat::number_of_executed_units:"),
            edges: last_figure(&told, " cov: "),
            inputs: last_figure(&told, " corp: "),
            finding,
        })
    }

    /// Tries one input.
    pub fn replay(&self, build: &Build, input: &Path) -> Result<bool> {
        succeeds(self.program(build).arg(input))
    }

    /// Leaves in the sources what reaches all that is reached, and nothing else.
    pub fn minimise(&self, build: &Build) -> Result<()> {
        let corpus = self.corpus()?;
        let fresh = build.directory("minimised", &self.name)?;
        fs::remove_dir_all(&fresh)?;
        fs::create_dir_all(&fresh)?;
        let mut command = self.program(build);
        command
            // The fewest that reach every branch, however often, and none that is long.
            .args(["-set_cover_merge=1", "-use_counters=0", "-max_len=1024"])
            .arg(&fresh)
            .arg(&corpus)
            .arg(build.directory("corpus", &self.name)?);
        let output = command.output()?;
        ensure!(output.status.success(), "{}: the merge failed", self.name);
        fs::remove_dir_all(&corpus)?;
        fs::create_dir_all(&corpus)?;
        let mut kept = 0;
        for entry in fs::read_dir(&fresh)? {
            let path = entry?.path();
            let name = path.file_name().context("a file without a name")?;
            fs::copy(&path, corpus.join(name))?;
            kept += 1;
        }
        println!("{}: {kept} inputs are kept", self.name);
        Ok(())
    }

    fn program(&self, build: &Build) -> Command {
        let mut command = build.program(&self.name);
        // Where a panic was: the whole chain is a line long without it.
        command.env("RUST_BACKTRACE", "1").env_remove("RENEWD_LOG");
        command
    }

    /// The committed inputs.
    fn corpus(&self) -> Result<PathBuf> {
        let corpus = committed("corpus", &self.name);
        fs::create_dir_all(&corpus)?;
        Ok(corpus)
    }

    fn dictionary(&self) -> Option<String> {
        let path = committed("dictionaries", &format!("{}.dict", self.name));
        path.is_file().then(|| format!("-dict={}", path.display()))
    }

    fn finding(&self, told: &str) -> String {
        let (_, artifact) = told
            .rsplit_once("Test unit written to ")
            .unwrap_or_default();
        let path = artifact.lines().next().unwrap_or_default();
        let reason = told.lines().filter(|line| !line.starts_with('#'));
        let reason: Vec<&str> = reason
            .skip_while(|line| !line.contains("panicked"))
            .take(3)
            .collect();
        format!(
            "{}: {}\n    cargo xtask fuzz --only {} --replay {path}",
            self.name,
            reason.join("\n    "),
            self.name
        )
    }
}

/// The number behind a label.
fn figure(told: &str, label: &str) -> u64 {
    let rest = told.split_once(label).map_or("", |(_, rest)| rest);
    number(rest)
}

/// The number behind the last of a label.
fn last_figure(told: &str, label: &str) -> u64 {
    let rest = told.rsplit_once(label).map_or("", |(_, rest)| rest);
    number(rest)
}

fn number(text: &str) -> u64 {
    let text = text.trim_start();
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_what_libfuzzer_tells() {
        let told = "#2\tINITED cov: 10 ft: 12 corp: 3/40b exec/s: 0 rss: 40Mb\n\
                    #9\tNEW    cov: 15 ft: 12 corp: 4/60b lim: 4 exec/s: 0 rss: 40Mb\n\
                    stat::number_of_executed_units: 512\n";
        assert_eq!(figure(told, "stat::number_of_executed_units:"), 512);
        assert_eq!(last_figure(told, " cov: "), 15);
        assert_eq!(last_figure(told, " corp: "), 4);
        assert_eq!(figure("nothing", "cov: "), 0);
    }

    #[test]
    fn a_finding_says_how_it_is_tried_again() {
        let target = Target {
            name: "names".to_owned(),
        };
        let told = "#7\tNEW\nthread '<unnamed>' panicked at a.rs:1:\nno\nrest\n\
                    artifact_prefix='x/'; Test unit written to x/crash-1\nBase64: AA==\n";
        let finding = target.finding(told);
        assert!(finding.contains("panicked at a.rs:1:"), "{finding}");
        assert!(finding.ends_with("cargo xtask fuzz --only names --replay x/crash-1"));
    }
}
