//! `cargo xtask torture`: the long form of the fault suite, and the table of its figures.

mod table;

use anyhow::{Result, ensure};
use clap::Args;

use self::table::{Row, Table};
use crate::Outcome;
use crate::suite::Suite;

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
    let only = options.only.as_deref();
    let suite = Suite::of(|name| {
        name.starts_with(SUITE) && only.is_none_or(|only| table::fault_of(name).contains(only))
    })?;
    let rounds = [("RENEWD_TORTURE_ROUNDS", options.rounds.to_string())];
    let (stories, well) = suite.run(&rounds, "fault")?;
    let rows = stories.into_iter().filter_map(Row::of).collect();
    let table = Table::new(suite.names(), rows);
    println!("\n{}", table.to_text());
    if options.write {
        ensure!(well, "the table is not written from a run that failed");
        table.write()?;
    }
    Ok(Outcome::passed_if(well && table.is_complete()))
}
