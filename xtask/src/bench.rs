//! `cargo xtask bench`: measures renewd, and writes docs/performance.md and docs/scaling.md from it.
//!
//! The program `bench` (tests/bench) measures and leaves JSON. What `--write` keeps of it is
//! docs/performance/results.json, and the pages and plots are functions of that file alone.

mod number;
mod peers;
mod plot;
mod plots;
mod results;
mod scaling;
mod soak;
mod table;
mod tools;

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};
use clap::Args;

use self::results::Results;
use crate::page::Page;
use crate::workspace::{binary, build_programs, output, root, succeeds};
use crate::{Outcome, packages, postgres};

pub use self::soak::{Options as SoakOptions, run as soak};

/// What the pages are written from.
const RESULTS: &str = "docs/performance/results.json";

const PERFORMANCE: Page = Page {
    path: "docs/performance.md",
    command: "cargo xtask bench --write",
};

const SCALING: Page = Page {
    path: "docs/scaling.md",
    command: "cargo xtask bench --write",
};

/// Measure renewd under load, and say whether every figure is where it must be
///
/// Every row of docs/performance.md: the release build at `RENEWD_LOG=warn`, on SQLite and on a
/// PostgreSQL cluster made for the run, with wrk and pgbench, which are installed with apt-get where
/// they are missing. What is compared is measured in turn, in one run. Nobody else may be at work on
/// the machine. All of it takes about an hour and 15 GiB of disk.
#[derive(Args)]
pub struct Options {
    /// Only the measurements whose names contain this; may be given several times
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Short, few and small: shows that everything works, and no figure worth keeping
    #[arg(long)]
    quick: bool,
    /// Other people's servers too, installed from their registries
    #[arg(long)]
    peers: bool,
    #[command(flatten)]
    pages: Pages,
}

/// What becomes of the pages.
#[derive(Args)]
struct Pages {
    /// Keep the figures in docs/performance/results.json, and write the pages and plots from it
    #[arg(long, conflicts_with = "quick")]
    write: bool,
    /// Measure nothing: write the pages and plots from the figures that are kept
    #[arg(long, conflicts_with_all = ["quick", "peers", "only", "write"])]
    render: bool,
    /// Measure nothing: say whether pages and plots are what the kept figures make of them
    #[arg(long, conflicts_with_all = ["quick", "peers", "only", "write", "render"])]
    check: bool,
}

pub fn run(options: &Options) -> Result<Outcome> {
    if options.pages.render || options.pages.check {
        let kept = Results::read(&root().join(RESULTS))?;
        return Ok(Outcome::passed_if(render(&kept, options.pages.check)?));
    }
    build()?;
    let mut arguments: Vec<String> = Vec::new();
    for name in &options.only {
        arguments.extend(["--only".to_owned(), name.clone()]);
    }
    if options.quick {
        arguments.push("--quick".to_owned());
    }
    if options.peers {
        let peers = peers::install()?;
        arguments.extend(["--peers".to_owned(), peers.display().to_string()]);
    }
    let (new, is_complete) = measure(&arguments)?;
    println!("\n{}", table::to_text(&new));
    let is_reached = options.quick || new.is_reached();
    if options.pages.write {
        render(&keep(new)?, false)?;
    }
    Ok(Outcome::passed_if(is_complete && is_reached))
}

/// What is measured, and what measures it.
fn build() -> Result<()> {
    build_programs(&["renewd", "renewctl", "bench", "bench_bare", "bench_tokens"])
}

/// Runs `bench`, and reads what it leaves; and whether that is all that was asked for.
fn measure(arguments: &[String]) -> Result<(Results, bool)> {
    tools::find_or_install()?;
    let left = packages::place("bench")?.join("results.json");
    let mut command = Command::new(binary("bench")?);
    command
        .arg("--out")
        .arg(&left)
        .args(arguments)
        .env("RENEWD_BIN", binary("renewd")?)
        .env("RENEWCTL_BIN", binary("renewctl")?);
    for (name, value) in postgres::programs()? {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    // What an earlier run left is not what this one saw.
    if left.exists() {
        fs::remove_file(&left)?;
    }
    let is_complete = succeeds(&mut command)?;
    Ok((Results::read(&left)?, is_complete))
}

/// Lays new figures over those that are kept.
fn keep(new: Results) -> Result<Results> {
    let path = root().join(RESULTS);
    let mut kept = if path.exists() {
        Results::read(&path)?
    } else {
        Results::default()
    };
    let commit = output(Command::new("git").current_dir(root()).args([
        "-c",
        "safe.directory=*",
        "describe",
        "--always",
        "--dirty",
        "--exclude=*",
    ]))?;
    kept.take(new, commit.trim());
    kept.write(&path)?;
    Ok(kept)
}

/// Writes pages and plots, or with `check` says whether they are as they would be written.
fn render(kept: &Results, check: bool) -> Result<bool> {
    let mut is_current = true;
    for (name, svg) in plots::all(kept) {
        let path = root().join("docs/performance").join(name);
        if check {
            let is_same = fs::read_to_string(&path).is_ok_and(|old| old == svg);
            if !is_same {
                println!(
                    "docs/performance/{name} is out of date: run `cargo xtask bench --render`"
                );
            }
            is_current &= is_same;
        } else {
            fs::write(&path, svg).with_context(|| path.display().to_string())?;
        }
    }
    let mut page = PERFORMANCE.read()?;
    for (name, text) in table::parts(kept) {
        page = PERFORMANCE.replaced(&page, name, &text)?;
    }
    is_current &= PERFORMANCE.publish(&page, check)?;
    let page = SCALING.replaced(&SCALING.read()?, "scaling", &scaling::page(&kept.costs)?)?;
    Ok(is_current & SCALING.publish(&page, check)?)
}
