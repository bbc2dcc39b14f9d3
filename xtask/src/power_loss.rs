//! `cargo xtask power-loss`: the long form of the power cuts, and the table of their figures.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use clap::Args;

use crate::Outcome;
use crate::page::{Page, table};
use crate::suite::Suite;

const PAGE: Page = Page {
    path: "docs/verification/power-loss.md",
    command: "cargo xtask power-loss --write",
};

const HEAD: [&str; 8] = [
    "what is believed",
    "acknowledgements",
    "writes and syncs",
    "syncs of the database file",
    "moments of the cut",
    "files as they may be left",
    "of these with a log",
    "with a loss",
];

/// Cut the power at every acknowledgement of renewd on SQLite, and look at what is left
///
/// renewd runs under strace, which records every write to its files, every sync and every
/// answer. From that the files are put together as a power cut could leave them at each
/// moment: without what was not synced, with it, and with torn parts of it. SQLite opens
/// each of them, and everything that was acknowledged by then has to be there. Needs strace;
/// `cargo xtask test` runs the same tests over fewer requests.
#[derive(Args)]
pub struct Options {
    /// How many times as many requests as in the short form
    #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// What decides which unsynced sectors survive; it is printed
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u32>,
    /// Write the table of docs/verification/power-loss.md from what this run shows
    #[arg(long)]
    write: bool,
}

pub fn run(options: &Options) -> Result<Outcome> {
    let suite = Suite::of(|name| name.starts_with("power_loss::"))?;
    let seed = match options.seed {
        Some(seed) => seed,
        None => SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos(),
    };
    println!("the seed is {seed}");
    let settings = [
        ("RENEWD_POWER_ROUNDS", options.rounds.to_string()),
        ("RENEWD_POWER_SEED", seed.to_string()),
    ];
    let (stories, well) = suite.run(&settings, "power loss")?;
    let text = table(&HEAD, &stories);
    println!("\n{text}");
    if options.write {
        ensure!(
            well && !stories.is_empty(),
            "nothing to write: failed or skipped"
        );
        let text = format!("{text}\nSeed {seed}.\n");
        let page = PAGE.replaced(&PAGE.read()?, "figures", &text)?;
        PAGE.publish(&page, false)?;
    }
    Ok(Outcome::passed_if(well && !stories.is_empty()))
}
