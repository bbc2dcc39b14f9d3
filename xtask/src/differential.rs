//! `cargo xtask differential`: the corpus of hostile tokens through other people's libraries.
//!
//! The hostile tests of token-core write the corpus with their own verdicts; `PyJWT`, `joserfc`
//! and `jose`, in pinned versions, judge the same tokens. Whatever differs has to be explained in
//! tests/differential/explained.toml.

mod corpus;
mod explained;
mod libraries;
mod report;

use anyhow::{Result, bail, ensure};
use clap::Args;

use self::corpus::Corpus;
use self::explained::Explanations;
use crate::Outcome;
use crate::packages;
use crate::page::Page;
use crate::workspace::{cargo, succeeds};

/// The page with the tables.
const PAGE: Page = Page {
    path: "docs/hostile-tokens.md",
    command: "cargo xtask differential",
};

/// Compare our verdicts on hostile tokens with those of other libraries
///
/// Runs the corpus through the verifier and through `PyJWT`, joserfc and jose, and Wycheproof's
/// sets of whole tokens through the verifier; writes the tables of docs/hostile-tokens.md. A
/// verdict that differs without an explanation, or an explanation without a difference, fails.
/// Needs Python 3 with venv, Node with npm, and their registries once: what they bring is kept in
/// target/.
#[derive(Args)]
pub struct Options {
    /// Fail where docs/hostile-tokens.md is not what would be written, and write nothing
    #[arg(long)]
    check: bool,
}

pub fn run(options: &Options) -> Result<Outcome> {
    let place = packages::place("differential")?;

    ensure!(
        test(&["--test", "hostile", "corpus::"])?,
        "the corpus has wrong verdicts"
    );
    let path = place.with_file_name("tmp").join("hostile-tokens.jsonl");
    let corpus = Corpus::read(&path)?;
    let verdicts = libraries::verdicts(&place, &path)?;
    let vectors = libraries::wycheproof(&place)?;
    let is_judged_alike = succeeds(
        cargo()
            .args(TEST)
            .args(["--lib", "wycheproof::"])
            .env("RENEWD_TEST_WYCHEPROOF", vectors),
    )?;

    let explanations = Explanations::read()?;
    let findings = explanations.findings(&corpus, &verdicts);
    for finding in &findings {
        println!("{finding}");
    }
    let page = report::page(&corpus, &verdicts, &explanations)?;
    let is_current = PAGE.publish(&page, options.check)?;
    println!(
        "{} tokens, {} verdicts of others, {} findings",
        corpus.len(),
        verdicts.len(),
        findings.len()
    );
    Ok(Outcome::passed_if(
        findings.is_empty() && is_current && is_judged_alike,
    ))
}

const TEST: [&str; 4] = ["test", "--quiet", "--release", "--workspace"];

fn test(arguments: &[&str]) -> Result<bool> {
    succeeds(cargo().args(TEST).args(arguments))
}

/// The text of a member of a line.
fn text<'a>(line: &'a serde_json::Value, name: &str) -> Result<&'a str> {
    match line.get(name).and_then(serde_json::Value::as_str) {
        Some(text) => Ok(text),
        None => bail!("no {name} in {line}"),
    }
}
