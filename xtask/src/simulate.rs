//! `cargo xtask simulate`: the use cases over the real SQLite storage, in the hand of seeds.

use std::process::Command;

use anyhow::{Result, ensure};
use clap::Args;

use crate::Outcome;
use crate::page::Page;
use crate::workspace::{binary, build_programs, succeeds, told};

/// The page with the tables.
const PAGE: Page = Page {
    path: "docs/verification/simulation.md",
    command: "cargo xtask simulate --write",
};

/// Simulate clients, thieves, faults, crashes and clock steps from seeds, and check every rule
///
/// The real use cases run on the real SQLite storage; clock, randomness and each storage call are
/// decided by the seed, so the same seed is always the same run. A seed that breaks a rule is
/// printed with all its steps and the command that replays it. Something that a run of 1,000 seeds
/// or more never reached is a failure too.
#[derive(Args)]
pub struct Options {
    /// How many seeds
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000)]
    seeds: u64,
    /// On how many threads; each seed runs on one
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    threads: usize,
    /// Run this seed alone and print its steps
    #[arg(long, value_name = "SEED", conflicts_with_all = ["seeds", "write", "defects"])]
    seed: Option<u64>,
    /// Hunt for each deliberate defect instead, and say which seed caught it
    #[arg(long)]
    defects: bool,
    /// Write the tables of docs/verification/simulation.md from what this run shows
    #[arg(long)]
    write: bool,
}

pub fn run(options: &Options) -> Result<Outcome> {
    build_programs(&["simulation"])?;
    let mut program = Command::new(binary("simulation")?);
    if let Some(seed) = options.seed {
        program.args(["replay", &seed.to_string()]);
        return Ok(Outcome::passed_if(succeeds(&mut program)?));
    }
    if options.defects {
        program.arg("defects");
        return tabled(&mut program, "defect: ", "defects", options.write);
    }
    let (seeds, threads) = (options.seeds.to_string(), options.threads.to_string());
    program.args(["run", "--seeds", &seeds, "--threads", &threads]);
    if options.seeds >= 1_000 {
        program.arg("--cover");
    }
    tabled(&mut program, "tally: ", "counts", options.write)
}

/// Runs the program, shows what it says, and makes a table of the lines that begin so.
fn tabled(program: &mut Command, mark: &str, name: &str, write: bool) -> Result<Outcome> {
    let (lines, well) = told(program)?;
    let rows = lines.iter().filter_map(|line| line.strip_prefix(mark));
    let rows: Vec<String> = rows.map(|row| format!("| {row} |\n")).collect();
    if write {
        ensure!(well, "the tables are not written from a run that failed");
        let head = heading(name);
        let page = PAGE.read()?;
        let page = PAGE.replaced(&page, name, &format!("{head}{}", rows.concat()))?;
        PAGE.publish(&page, false)?;
    }
    Ok(Outcome::passed_if(well))
}

fn heading(name: &str) -> &'static str {
    match name {
        "defects" => {
            "| defect | what it does | breaks | caught by the rule | after seeds |\n\
             |---|---|---|---|---:|\n"
        }
        _ => "| what happened | how often |\n|---|---:|\n",
    }
}
