//! `cargo xtask test`: both programs, a throwaway PostgreSQL, every test.

mod summary;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::Args;

use self::summary::Summary;
use crate::Outcome;
use crate::postgres::{Cluster, apt};
use crate::workspace::{binary, cargo, succeeds};

/// Part of the name of every test that needs a PostgreSQL server: its own, or
/// that of a module around it.
const NEEDS_POSTGRES: &str = "postgres";

/// Build renewd and renewctl and run every test of the workspace on both databases
///
/// PostgreSQL's server programs are looked for in PATH, by `pg_config` and in
/// /usr/lib/postgresql; where they are missing and apt-get may be used, they are
/// installed, and so is strace, for the tests of power loss. One throwaway cluster is started for the run and removed after it.
/// The last line of the output is `N passed, N failed, N skipped`.
#[derive(Args)]
pub struct Options {
    /// Leave out the tests that need a PostgreSQL server; they count as skipped
    #[arg(long)]
    no_postgres: bool,
    /// What to hand to the test programs: a part of the tests' names, or their options
    #[arg(last = true, value_name = "FILTER")]
    filter: Vec<String>,
}

pub fn run(options: &Options) -> Outcome {
    announce(options);
    let summary =
        build_and_test(options).unwrap_or_else(|error| Summary::of_failure(format!("{error:#}")));
    announce(options);
    summary.print();
    Outcome::passed_if(summary.is_well())
}

/// Says at the start and at the end what this run leaves out.
fn announce(options: &Options) {
    if options.no_postgres {
        println!("NOTE: --no-postgres: the tests on PostgreSQL are SKIPPED");
    }
}

fn build_and_test(options: &Options) -> Result<Summary> {
    build()?;
    offer_strace();
    let cluster = if options.no_postgres {
        None
    } else {
        Some(Cluster::start()?)
    };
    run_tests(&mut test_command(options, cluster.as_ref())?)
}

/// Installs strace where that may be done: without it the tests of power loss say that they are
/// skipped, and no other needs it.
fn offer_strace() {
    let is_there = Command::new("strace").arg("--version").output().is_ok();
    if is_there || !apt::is_usable() {
        return;
    }
    println!("strace is missing: installing it with apt-get");
    if let Err(error) = apt::install_package("strace") {
        println!("NOTE: {error:#}: the tests of power loss are SKIPPED");
    }
}

/// Builds everything that `cargo test` will want, in one go with the programs:
/// a build of the programs alone would resolve other features of some
/// dependencies and compile those twice.
pub fn build() -> Result<()> {
    let mut command = cargo();
    command.args([
        "build",
        "--release",
        "--workspace",
        "--bins",
        "--tests",
        "--examples",
    ]);
    ensure!(succeeds(&mut command)?, "the workspace does not build");
    Ok(())
}

fn test_command(options: &Options, cluster: Option<&Cluster>) -> Result<Command> {
    let mut command = cargo();
    command
        .args(["test", "--release", "--workspace", "--no-fail-fast", "--"])
        .args(&options.filter)
        .env("RENEWD_BIN", binary("renewd")?)
        .env("RENEWCTL_BIN", binary("renewctl")?);
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        command.env("RUST_TEST_THREADS", test_threads().to_string());
    }
    match cluster {
        Some(cluster) => hand_over(&mut command, cluster),
        None => drop(
            command
                .args(["--skip", NEEDS_POSTGRES])
                .env_remove("RENEWD_TEST_POSTGRES_URL")
                .env_remove("RENEWD_TEST_POSTGRES_BIN"),
        ),
    }
    Ok(command)
}

/// How many tests run at once: one more than there are processors, since they wait for servers, for
/// syncs and for the clock a good part of their time.
fn test_threads() -> usize {
    1 + std::thread::available_parallelism().map_or(1, usize::from)
}

/// Tells the tests of the cluster, and how to make their own.
pub fn hand_over(command: &mut Command, cluster: &Cluster) {
    for (name, value) in cluster.environment() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
}

/// Runs the tests, passes their output on line by line, and counts.
fn run_tests(command: &mut Command) -> Result<Summary> {
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo test")?;
    let output = child.stdout.take().context("cargo test has no output")?;
    let mut summary = Summary::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        summary.read(&line);
    }
    summary.finish(child.wait()?.success());
    Ok(summary)
}
