//! `cargo xtask tidy`: the rules of the house that a program can check.

mod arrows;
mod committed;
mod crates;
mod documents;
mod migrations;
mod secrets;
mod sources;
mod standards;

use anyhow::Result;

use crate::Outcome;
use crate::workspace::files;

/// What the checks found: findings fail, notes only inform.
#[derive(Default)]
struct Report {
    findings: Vec<String>,
    notes: Vec<String>,
}

impl Report {
    fn finding(&mut self, text: impl Into<String>) {
        self.findings.push(text.into());
    }

    fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }
}

pub fn run() -> Result<Outcome> {
    let files = files()?;
    let mut report = Report::default();
    arrows::check(&mut report)?;
    sources::check(&files, &mut report)?;
    secrets::check(&files, &mut report)?;
    migrations::check(&files, &mut report);
    crates::check(&files, &mut report);
    committed::check(&files, &mut report);
    documents::check(&mut report)?;
    standards::check(&files, &mut report)?;

    for note in &report.notes {
        println!("note: {note}");
    }
    for finding in &report.findings {
        println!("tidy: {finding}");
    }
    println!("{} files, {} findings", files.len(), report.findings.len());
    Ok(Outcome::passed_if(report.findings.is_empty()))
}
