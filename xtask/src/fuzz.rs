//! `cargo xtask fuzz`: coverage-guided fuzzing of everything that reads what strangers write.

mod build;
mod report;
mod target;

use std::sync::Mutex;
use std::thread;

use anyhow::{Result, bail, ensure};
use clap::Args;

pub use self::build::PACKAGE;

use self::build::Build;
use self::target::{Run, Target};
use crate::Outcome;
use crate::page::Page;

/// The page with the figures.
const PAGE: Page = Page {
    path: "docs/verification/fuzzing.md",
    command: "cargo xtask fuzz --write",
};

/// Throw what nobody thought of at everything that reads what strangers write
///
/// Builds the targets of tests/fuzz with counters in every branch, into target/fuzz, and lets
/// libFuzzer look for inputs that reach new ones, two targets at a time. A target is more than "it
/// does not panic": each holds what was accepted against what should be. The compiler of
/// rust-toolchain.toml is enough; a C++ compiler is needed for libFuzzer itself. An input that
/// fails is kept under target/fuzz/findings, and printed with the command that tries it again.
#[derive(Args)]
pub struct Options {
    /// Only the targets whose names contain this
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// How long each target runs
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// Try one input, of which the path is given, and nothing else; with `--only`
    #[arg(long, value_name = "FILE", requires = "only", conflicts_with_all = ["seconds", "write", "minimise"])]
    replay: Option<std::path::PathBuf>,
    /// Put what was found worth keeping into tests/fuzz/corpus, reduced to what reaches something
    #[arg(long)]
    minimise: bool,
    /// Write the table of docs/verification/fuzzing.md from this run
    #[arg(long, conflicts_with = "only")]
    write: bool,
}

pub fn run(options: &Options) -> Result<Outcome> {
    let targets = Target::all()?;
    let only = options.only.as_deref().unwrap_or_default();
    let chosen: Vec<Target> = targets
        .into_iter()
        .filter(|target| target.name.contains(only))
        .collect();
    if chosen.is_empty() {
        bail!("no target has such a name");
    }
    let build = Build::new(&chosen)?;
    if let Some(input) = &options.replay {
        let [target] = chosen.as_slice() else {
            bail!("name one target");
        };
        return target.replay(&build, input).map(Outcome::passed_if);
    }
    let runs = side_by_side(&chosen, |target| target.run(&build, options.seconds));
    let runs: Vec<Run> = runs.into_iter().collect::<Result<_>>()?;
    println!("\n{}", report::text(&runs));
    let well = runs.iter().all(|run| run.finding.is_none());
    for run in &runs {
        if let Some(finding) = &run.finding {
            println!("{finding}");
        }
    }
    if options.minimise {
        for target in &chosen {
            target.minimise(&build)?;
        }
    }
    if options.write {
        ensure!(well, "the table is not written from a run with findings");
        let page = PAGE.read()?;
        let page = PAGE.replaced(&page, "the figures", &report::table(&runs))?;
        PAGE.publish(&page, false)?;
    }
    Ok(Outcome::passed_if(well))
}

/// Does the same to all targets, as many at once as there are processors, and keeps their order.
fn side_by_side<T: Send>(targets: &[Target], action: impl Fn(&Target) -> T + Sync) -> Vec<T> {
    let next = Mutex::new(targets.iter().enumerate());
    let done = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let taken = next.lock().map(|mut next| next.next());
                    let Ok(Some((at, target))) = taken else {
                        return;
                    };
                    let result = action(target);
                    if let Ok(mut done) = done.lock() {
                        done.push((at, result));
                    }
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_default();
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}
