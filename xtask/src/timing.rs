//! `cargo xtask timing`: whether the time of an answer tells what the answer does not.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Result, ensure};
use clap::Args;

use crate::Outcome;
use crate::page::Page;
use crate::workspace::{binary, build_programs, told};

/// The page with the figures.
const PAGE: Page = Page {
    path: "docs/verification/timing.md",
    command: "cargo xtask timing --write",
};

/// Look for what the time of an answer tells, by statistics
///
/// Logs in at the real server with unknown names, wrong passwords of several lengths and disabled
/// users, in random order, and compares the times by Welch's test, as dudect does; likewise client
/// authentication, and the comparisons of secrets in this process. Differences that were put there
/// on purpose have to be found. A suspicion is measured again with four times as many samples.
#[derive(Args)]
pub struct Options {
    /// How many times each kind of login is tried
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(50..))]
    samples: u32,
    /// Write the table of docs/verification/timing.md from this run
    #[arg(long)]
    write: bool,
}

pub fn run(options: &Options) -> Result<Outcome> {
    build_programs(&["renewd", "renewctl", "timing"])?;
    let mut command = Command::new(binary("timing")?);
    command
        .arg(options.samples.to_string())
        .env("RENEWD_BIN", binary("renewd")?)
        .env("RENEWCTL_BIN", binary("renewctl")?);
    let (lines, well) = told(&mut command)?;
    let rows: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("timing: "))
        .collect();
    if options.write {
        ensure!(well, "the table is not written from a run that failed");
        let page = PAGE.replaced(&PAGE.read()?, "the figures", &table(&rows))?;
        PAGE.publish(&page, false)?;
    }
    Ok(Outcome::passed_if(well))
}

fn table(rows: &[&str]) -> String {
    let mut table = "| two classes | samples of each | medians | t | least difference that would show | verdict |\n\
                     |---|--:|---|--:|--:|---|\n"
        .to_owned();
    for row in rows {
        let _ = writeln!(table, "| {row} |");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn every_verdict_is_a_row() {
        let text = table(&["a, b | 5 | 1 and 2 ms | 0.1 | 3 ms | not told apart"]);
        assert!(text.ends_with("| a, b | 5 | 1 and 2 ms | 0.1 | 3 ms | not told apart |\n"));
    }
}
