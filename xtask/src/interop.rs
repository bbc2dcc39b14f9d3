//! `cargo xtask interop`: renewd's tokens and endpoints, used by libraries that nobody here wrote.
//!
//! The programs in tests/interop try every library on real servers with each algorithm, and print
//! what it said. What a library does not know stands with its reason in
//! tests/interop/libraries.toml; any other disappointment fails.

mod language;
mod libraries;
mod report;
mod stage;
mod verdict;

use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Args;

use self::language::Language;
use self::libraries::Libraries;
use self::stage::Stage;
use self::verdict::Verdict;
use crate::page::Page;
use crate::workspace::{build_programs, output};
use crate::{Outcome, packages};

/// The page with the matrix.
const PAGE: Page = Page {
    path: "docs/interop.md",
    command: "cargo xtask interop",
};

/// Use renewd by other people's libraries in Node, Python, Go and Java
///
/// Starts real servers, one for each algorithm, lets every library verify good, expired, altered
/// and misdirected tokens, and every OAuth client use all endpoints; writes the matrix of
/// docs/interop.md. A language that is not installed is skipped, and says so. What the libraries
/// bring comes from their registries once and is kept in target/.
#[derive(Args)]
pub struct Options {
    /// This language alone; its part of the page alone is written
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    only: Option<Language>,
    /// Fail where docs/interop.md is not what would be written, and write nothing
    #[arg(long)]
    check: bool,
}

pub fn run(options: &Options) -> Result<Outcome> {
    let libraries = Libraries::read()?;
    let languages = chosen(options)?;
    let place = packages::place("interop")?;
    // First, because it may take longer than a token lives.
    let programs = languages
        .iter()
        .map(|language| {
            timed(&format!("{language}: packages"), || {
                language.install(&place)
            })
        })
        .collect::<Result<Vec<_>>>()?;
    // Both programs and the one that sets the stage.
    build_programs(&["renewd", "renewctl", "interop_stage"])?;
    let stage = timed("servers and tokens", || {
        Stage::set(&place, &libraries.clients())
    })?;

    let mut page = PAGE.read()?;
    let mut findings = Vec::new();
    for (language, mut program) in languages.iter().copied().zip(programs) {
        let lines = timed(&format!("{language}: libraries"), || {
            output(program.arg(stage.job()))
        })?;
        let verdicts: Vec<Verdict> = lines.lines().map(Verdict::parse).collect::<Result<_>>()?;
        findings.extend(libraries.findings(language, &verdicts));
        page = report::written(&page, language, &libraries, &verdicts)?;
        println!("{language}: {} verdicts", verdicts.len());
    }
    for finding in &findings {
        println!("{finding}");
    }
    let is_current = PAGE.publish(&page, options.check)?;
    Ok(Outcome::passed_if(findings.is_empty() && is_current))
}

/// The languages that were asked for and are here.
fn chosen(options: &Options) -> Result<Vec<Language>> {
    if let Some(language) = options.only {
        ensure!(language.is_installed(), "{language} is not installed");
        return Ok(vec![language]);
    }
    let (here, missing): (Vec<_>, Vec<_>) = Language::ALL
        .into_iter()
        .partition(|one| one.is_installed());
    for language in missing {
        println!("NOTE: {language} is not installed: its libraries are SKIPPED");
    }
    Ok(here)
}

/// Does something, and says how long it took.
fn timed<T>(what: &str, action: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let done = action()?;
    println!("{what}: {:.1} s", start.elapsed().as_secs_f64());
    Ok(done)
}
