//! The project's own tasks; `cargo xtask --help` lists them.

mod bench;
mod ci;
mod coverage;
mod differential;
mod floors;
mod fuzz;
mod history;
mod interop;
mod model;
mod mutants;
mod packages;
mod page;
mod postgres;
mod power_loss;
mod simulate;
mod suite;
mod test;
mod tidy;
mod timing;
mod torture;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The project's own tasks.
#[derive(Parser)]
#[command(
    name = "xtask",
    bin_name = "cargo xtask",
    arg_required_else_help = true
)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Test(test::Options),
    Torture(torture::Options),
    History(history::Options),
    PowerLoss(power_loss::Options),
    Bench(bench::Options),
    Soak(bench::SoakOptions),
    /// Run what CI runs after the tests, and print how long each stage took
    ///
    /// Formatting, clippy, documentation, tidy and the version floors. Every
    /// stage runs, also after one has failed; a table at the end says which.
    Ci,
    /// Check those rules of docs/ARCHITECTURE.md that a program can check
    ///
    /// Prints one line per finding and exits 1 if there is one.
    Tidy,
    /// Write docs/coverage.md: which test covers which item
    ///
    /// Tests name the items they cover (`S45`) in their doc comments. `cargo
    /// xtask tidy` fails while the table is not what this command would write.
    CoverageTable,
    Differential(differential::Options),
    Interop(interop::Options),
    Fuzz(fuzz::Options),
    Mutants(mutants::Options),
    Timing(timing::Options),
    Model(model::Options),
    Simulate(simulate::Options),
}

/// What a task has to say to whoever started it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Passed,
    Failed,
}

impl Outcome {
    fn passed_if(well: bool) -> Self {
        if well { Self::Passed } else { Self::Failed }
    }
}

fn main() -> ExitCode {
    let outcome = run(Arguments::parse().task).unwrap_or_else(|error| {
        eprintln!("xtask: {error:#}");
        Outcome::Failed
    });
    match outcome {
        Outcome::Passed => ExitCode::SUCCESS,
        Outcome::Failed => ExitCode::FAILURE,
    }
}

fn run(task: Task) -> Result<Outcome> {
    match task {
        Task::Test(options) => Ok(test::run(&options)),
        Task::Torture(options) => torture::run(&options),
        Task::History(options) => history::run(&options),
        Task::PowerLoss(options) => power_loss::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Soak(options) => bench::soak(&options),
        Task::Ci => Ok(ci::run()),
        Task::Tidy => tidy::run(),
        Task::CoverageTable => coverage::write(),
        Task::Differential(options) => differential::run(&options),
        Task::Interop(options) => interop::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Mutants(options) => mutants::run(&options),
        Task::Timing(options) => timing::run(&options),
        Task::Model(options) => model::run(&options),
        Task::Simulate(options) => simulate::run(&options),
    }
}
