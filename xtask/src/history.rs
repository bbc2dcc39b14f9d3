//! `cargo xtask history`: the long form of the kill tests, and the table of their figures.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

use crate::Outcome;
use crate::page::{Page, table};
use crate::suite::Suite;

const PAGE: Page = Page {
    path: "docs/verification/history.md",
    command: "cargo xtask history --write",
};

const HEAD: [&str; 12] = [
    "setup",
    "kills",
    "of a server",
    "of one that was starting",
    "of PostgreSQL",
    "requests",
    "refreshes among them",
    "done",
    "refused",
    "503 or no answer",
    "start: half of them, slowest",
    "findings",
];

/// Kill renewd and PostgreSQL again and again under a crowd, and check what it was told
///
/// kill -9 at random moments: of renewd on SQLite, of renewd and of PostgreSQL, of one or
/// both of two nodes. Clients, browsers and thieves go on meanwhile. After each kill the
/// database has to be whole and the server ready within 5 s; in the end a checker looks at
/// everything that was asked and told. `cargo xtask test` runs the same tests for 10 kills
/// on each setup.
#[derive(Args)]
pub struct Options {
    /// How many kills there are, over all setups
    #[arg(long, value_name = "NUMBER", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(3..))]
    cycles: u32,
    /// Only this setup
    #[arg(long, value_name = "SETUP")]
    on: Option<On>,
    /// What decides when a kill comes and what it hits; it is printed
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u32>,
    /// Write the table of docs/verification/history.md from what this run shows
    #[arg(long, conflicts_with = "on")]
    write: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum On {
    Sqlite,
    Postgres,
    Nodes,
}

impl On {
    const ALL: [Self; 3] = [Self::Sqlite, Self::Postgres, Self::Nodes];

    fn test(self) -> &'static str {
        match self {
            Self::Sqlite => "history::sqlite::killed_again_and_again",
            Self::Postgres => "history::postgres::killed_again_and_again",
            Self::Nodes => "history::postgres::two_nodes_killed_again_and_again",
        }
    }
}

pub fn run(options: &Options) -> Result<Outcome> {
    let all = options.on.map_or(On::ALL.to_vec(), |on| vec![on]);
    let suite = Suite::of(|name| all.iter().any(|on| on.test() == name))?;
    let setups = u32::try_from(suite.names().len())?;
    let seed = match options.seed {
        Some(seed) => seed,
        None => SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos(),
    };
    println!("the seed is {seed}");
    let settings = [
        (
            "RENEWD_HISTORY_CYCLES",
            options.cycles.div_ceil(setups).to_string(),
        ),
        ("RENEWD_HISTORY_SEED", seed.to_string()),
    ];
    let start = Instant::now();
    let (mut stories, well) = suite.run(&settings, "history")?;
    stories.sort();
    let text = table(&HEAD, &stories);
    let minutes = start.elapsed().as_secs() / 60;
    println!("\n{text}\n{minutes} min");
    if options.write {
        ensure!(well, "the table is not written from a run that failed");
        let text = format!("{text}\nSeed {seed}; {minutes} min on two cores.\n");
        let page = PAGE.replaced(&PAGE.read()?, "figures", &text)?;
        PAGE.publish(&page, false)?;
    }
    Ok(Outcome::passed_if(
        well && stories.len() == suite.names().len(),
    ))
}
