//! `cargo xtask torture`: the long form of the fault suite, and the table of its figures.

mod table;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use self::table::{Row, Table};
use crate::Outcome;
use crate::postgres::Cluster;
use crate::test::{build, hand_over};
use crate::workspace::{binary, cargo, output};

/// The module of the end-to-end tests that holds the suite.
const SUITE: &str = "faults::";

/// Do to PostgreSQL, to the network and to nodes what can happen to them, again and again
///
/// These are the tests of the fault suite, which `cargo xtask test` runs in their short form:
/// here each fault comes more often, over more clients. Every client remembers what was
/// acknowledged, and at the end all of it has to be true. A table at the end says what was
/// done, what was seen, and how much of it.
#[derive(Args)]
pub struct Options {
    /// How often each fault comes
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only the faults whose names contain this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Write the table of docs/faults.md from what this run shows
    #[arg(long, conflicts_with = "only")]
    write: bool,
}

pub fn run(options: &Options) -> Result<Outcome> {
    build()?;
    let names = chosen(options.only.as_deref())?;
    let cluster = Cluster::start()?;
    let mut command = tests();
    command
        .args(["--nocapture", "--exact"])
        .args(&names)
        .env("RENEWD_BIN", binary("renewd")?)
        .env("RENEWCTL_BIN", binary("renewctl")?)
        .env("RENEWD_TORTURE_ROUNDS", options.rounds.to_string());
    hand_over(&mut command, &cluster);
    let (rows, well) = watch(&mut command)?;
    let table = Table::new(&names, rows);
    println!("\n{}", table.to_text());
    if options.write {
        ensure!(well, "the table is not written from a run that failed");
        table.write()?;
    }
    Ok(Outcome::passed_if(well && table.is_complete()))
}

/// The program with the end-to-end tests.
fn tests() -> Command {
    let mut command = cargo();
    command.args(["test", "--release", "--quiet", "--package", "e2e"]);
    command.args(["--test", "e2e", "--"]);
    command
}

/// The names of the tests of those faults.
fn chosen(only: Option<&str>) -> Result<Vec<String>> {
    let listed = output(tests().args(["--list", "--format", "terse"]))?;
    let names: Vec<String> = listed
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .filter(|name| name.starts_with(SUITE))
        .filter(|name| only.is_none_or(|only| table::fault_of(name).contains(only)))
        .map(str::to_owned)
        .collect();
    if names.is_empty() {
        bail!("no fault has such a name");
    }
    Ok(names)
}

/// Runs the tests, passes their output on line by line, and keeps what they tell of faults;
/// and whether all is well.
fn watch(command: &mut Command) -> Result<(Vec<Row>, bool)> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo test")?;
    let output = child.stdout.take().context("cargo test has no output")?;
    let mut rows = Vec::new();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        rows.extend(Row::read(&line));
    }
    Ok((rows, child.wait()?.success()))
}
