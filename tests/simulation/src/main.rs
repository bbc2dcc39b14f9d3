//! `simulation`: runs seeds, replays one, hunts for the deliberate defects.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use simulation::{Defect, Found, Tally, hunt, replay, simulate};

/// Deterministic simulation of renewd's use cases over its SQLite storage
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run seeds and count what happened
    Run {
        /// The first seed
        #[arg(long, default_value_t = 0)]
        first: u64,
        /// How many seeds
        #[arg(long, default_value_t = 1_000)]
        seeds: u64,
        /// On how many threads
        #[arg(long, default_value_t = 1)]
        threads: usize,
        /// Fail where something of the list never happened
        #[arg(long)]
        cover: bool,
    },
    /// Run one seed and print every step
    Replay {
        /// Which
        seed: u64,
        /// With this defect
        #[arg(long)]
        defect: Option<String>,
    },
    /// Run each deliberate defect until it is caught
    Defects {
        /// How many seeds each may take
        #[arg(long, default_value_t = 1_000)]
        within: u64,
    },
}

fn main() -> ExitCode {
    let well = match Arguments::parse().command {
        Command::Run {
            first,
            seeds,
            threads,
            cover,
        } => run(first, seeds, threads, cover),
        Command::Replay { seed, defect } => replay_one(seed, defect.as_deref()),
        Command::Defects { within } => defects(within),
    };
    if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn run(first: u64, seeds: u64, threads: usize, cover: bool) -> bool {
    let summary = simulate(first, seeds, threads);
    for found in &summary.found {
        show(found);
    }
    for what in Tally::ALL {
        println!("tally: {what} | {}", summary.tally.of(what));
    }
    println!("tally: seeds | {seeds}");
    println!("tally: steps | {}", summary.steps);
    let missing = summary.tally.missing();
    if cover && !missing.is_empty() {
        println!("never happened: {}", missing.join(", "));
    }
    summary.found.is_empty() && (!cover || missing.is_empty())
}

fn show(found: &Found) {
    for line in &found.trace {
        println!("{line}");
    }
    let Found {
        seed, rule, what, ..
    } = found;
    println!("seed {seed} broke {rule}: {what}");
    println!("run it again: cargo xtask simulate --seed {seed}\n");
}

fn replay_one(seed: u64, defect: Option<&str>) -> bool {
    let known = |name: &str| Defect::ALL.into_iter().find(|defect| defect.name() == name);
    let defect = match defect.map(known) {
        Some(None) => {
            let names = Defect::ALL.map(Defect::name).join(", ");
            println!("no such defect; there are {names}");
            return false;
        }
        Some(defect) => defect,
        None => None,
    };
    let (trace, _, found) = replay(seed, defect);
    for line in &trace {
        println!("{line}");
    }
    if let Some(found) = &found {
        println!("seed {seed} broke {}: {}", found.rule, found.what);
    }
    found.is_none()
}

fn defects(within: u64) -> bool {
    let mut well = true;
    for defect in Defect::ALL {
        let (name, story, breaks) = (defect.name(), defect.story(), defect.breaks());
        match hunt(defect, within) {
            Some(caught) => println!(
                "defect: {name} | {story} | {breaks} | {} | {}",
                caught.rule, caught.seeds
            ),
            None => {
                println!("defect: {name} was not caught within {within} seeds");
                well = false;
            }
        }
    }
    well
}
