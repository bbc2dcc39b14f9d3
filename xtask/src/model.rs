//! `cargo xtask model`: every schedule of the refresh token protocol, within bounds.

use std::process::Command;

use anyhow::{Result, ensure};
use clap::Args;

use crate::Outcome;
use crate::page::{Page, table};
use crate::workspace::{binary, build_programs, told};

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
    build_programs(&["model"])?;
    let mut command = Command::new(binary("model")?);
    command.args(options.long.then_some("--long"));
    command.args(options.defects.then_some("--defects"));
    command.args(options.only.iter().map(|only| format!("--only={only}")));
    let (lines, well) = told(&mut command)?;
    let rows_of = |mark| {
        let rows = lines.iter().filter_map(move |line| line.strip_prefix(mark));
        rows.map(cells).collect::<Vec<_>>()
    };
    if options.write {
        ensure!(well, "the tables are not written from a run that failed");
        let form = if options.long {
            "long form"
        } else {
            "short form"
        };
        write(form, &rows_of("scenario: "), &rows_of("defect: "))?;
    }
    Ok(Outcome::passed_if(well))
}

fn write(form: &str, scenarios: &[Vec<String>], defects: &[Vec<String>]) -> Result<()> {
    let page = PAGE.read()?;
    let head = [
        "scenario",
        "bound",
        "states",
        "longest schedule",
        "invariants + must happen",
        "seconds",
    ];
    let page = PAGE.replaced(&page, form, &table(&head, scenarios))?;
    let head = [
        "defect",
        "scenario",
        "caught by",
        "steps",
        "states until then",
    ];
    let page = PAGE.replaced(&page, "defects", &table(&head, defects))?;
    PAGE.publish(&page, false)?;
    Ok(())
}

/// The cells of a line, between bars.
fn cells(line: &str) -> Vec<String> {
    line.split(" | ").map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::{cells, table};

    #[test]
    fn rows_become_a_table() {
        let rows = [cells("1 | 2")];
        assert_eq!(
            table(&["a", "b"], &rows),
            "| a | b |\n|---|---|\n| 1 | 2 |\n"
        );
    }
}
