//! Measures renewd: every row of docs/performance.md, and the curves of its plots.
//!
//! `cargo xtask bench` builds what is needed, runs this, and writes the page from the JSON that
//! this leaves. `RENEWD_BIN` says where the server is, `RENEWD_TEST_POSTGRES_BIN` where
//! PostgreSQL's programs are; `wrk` has to be in the path.

mod disk;
mod machine;
mod measures;
mod peers;
mod procfs;
mod results;
mod seed;
mod soak;
mod stage;
mod stats;
mod token_pool;
mod wrk;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Parser;

use crate::measures::Measure;
use crate::results::Results;
use crate::stage::Stage;

/// Measures renewd, and leaves what was seen as JSON.
#[derive(Parser)]
struct Options {
    /// Where the JSON goes
    #[arg(long)]
    out: PathBuf,
    /// Only the measurements whose names contain one of these
    #[arg(long)]
    only: Vec<String>,
    /// Short, few and small: shows that it works, and no figure worth keeping
    #[arg(long)]
    quick: bool,
    /// Other people's servers too: a file that says how they are started
    #[arg(long)]
    peers: Option<PathBuf>,
    /// Nothing of this, but a mixed load for so many minutes
    #[arg(long)]
    soak: Option<u32>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut stage = Stage::new(options.quick)?;
    let mut results = Results::begin(options.quick);
    if let Some(minutes) = options.soak {
        let is_flat = soak::run(&mut stage, &mut results, minutes);
        results.save(&options.out)?;
        return is_flat;
    }
    let chosen = chosen(&options.only, options.peers.is_some());
    ensure!(
        !chosen.is_empty() || options.peers.is_some(),
        "no measurement has such a name"
    );
    let mut failed = Vec::new();
    for measure in chosen {
        println!("\n== {}", measure.name);
        machine::warn_of_others();
        if let Err(error) = (measure.run)(&mut stage, &mut results) {
            println!("FAILED: {error:#}");
            failed.push(measure.name);
        }
        // A long run that is cut short keeps what it has.
        results.save(&options.out)?;
    }
    if let Some(peers) = &options.peers {
        println!("\n== peers");
        machine::warn_of_others();
        peers::run(&mut stage, &mut results, peers)?;
    }
    results.save(&options.out)?;
    ensure!(failed.is_empty(), "not measured: {}", failed.join(", "));
    Ok(())
}

/// With peers alone asked for, nothing else is measured again.
fn chosen(only: &[String], peers: bool) -> Vec<&'static Measure> {
    let is_wanted = |measure: &&Measure| {
        if only.is_empty() {
            return !peers;
        }
        only.iter().any(|name| measure.name.contains(name.as_str()))
    };
    measures::ALL.iter().filter(is_wanted).collect()
}
