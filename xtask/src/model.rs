//! `cargo xtask model`: every schedule of the refresh token protocol, within bounds.

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::Outcome;
use crate::page::Page;
use crate::workspace::cargo;

const PAGE: Page = Page {
    path: "docs/verification/model.md",
    command: "cargo xtask model --defects --write",
};

/// Try every schedule of the refresh token protocol, within the bounds of several scenarios
///
/// The decision, the chain and the rules of token-core run inside a model of storage, nodes,
/// network, browsers, thieves and crashes; each scenario's states are explored whole. The table
/// says how many there are, how long the longest schedule is, how many invariants were held
/// against each state and how many things had to happen somewhere. A schedule that breaks an
/// invariant is printed, a step a line. `cargo xtask test` runs the short form, and all defects.
#[derive(Args)]
pub struct Options {
    /// Wider bounds: minutes, and gigabytes of memory
    #[arg(long)]
    long: bool,
    /// Also put each deliberate defect into the model, and see that it is caught
    #[arg(long)]
    defects: bool,
    /// Only the scenarios whose names contain this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Write this form's tables of docs/verification/model.md from what this run shows
    #[arg(long, requires = "defects", conflicts_with = "only")]
    write: bool,
}

pub fn run(options: &Options) -> Result<Outcome> {
    let mut command = cargo();
    command.args(["run", "--release", "--quiet", "--package", "model", "--"]);
    command.args(options.long.then_some("--long"));
    command.args(options.defects.then_some("--defects"));
    command.args(options.only.iter().map(|only| format!("--only={only}")));
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run the model")?;
    let output = child.stdout.take().context("the model has no output")?;
    let (mut scenarios, mut defects) = (Vec::new(), Vec::new());
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        scenarios.extend(line.strip_prefix("scenario: ").map(str::to_owned));
        defects.extend(line.strip_prefix("defect: ").map(str::to_owned));
    }
    let well = child.wait()?.success();
    if options.write {
        ensure!(well, "the tables are not written from a run that failed");
        let form = if options.long {
            "long form"
        } else {
            "short form"
        };
        write(form, &scenarios, &defects)?;
    }
    Ok(Outcome::passed_if(well))
}

fn write(form: &str, scenarios: &[String], defects: &[String]) -> Result<()> {
    let page = PAGE.read()?;
    let head = "scenario | bound | states | longest schedule | invariants + must happen | seconds";
    let page = PAGE.replaced(&page, form, &table(head, scenarios))?;
    let head = "defect | scenario | caught by | steps | states until then";
    let page = PAGE.replaced(&page, "defects", &table(head, defects))?;
    PAGE.publish(&page, false)?;
    Ok(())
}

/// A table of rows whose cells already stand between bars.
fn table(head: &str, rows: &[String]) -> String {
    let columns = head.split(" | ").count();
    let mut text = format!("| {head} |\n|{}\n", "---|".repeat(columns));
    for row in rows {
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {row} |");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn rows_become_a_table() {
        let rows = ["1 | 2".to_owned()];
        assert_eq!(table("a | b", &rows), "| a | b |\n|---|---|\n| 1 | 2 |\n");
    }
}
