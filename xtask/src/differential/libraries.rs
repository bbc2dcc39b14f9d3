//! The other libraries: installed under target/, run, and listened to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use serde_json::Value;

use super::corpus::{Id, id};
use super::text;
use crate::packages;
use crate::workspace::{output, root};

/// What one library said of one token.
pub struct Theirs {
    /// The library's name with its version.
    pub library: String,
    pub id: Id,
    pub accepted: bool,
}

/// The verdicts of all libraries on the corpus.
pub fn verdicts(place: &Path, corpus: &Path) -> Result<Vec<Theirs>> {
    let python = packages::python(&place.join("python"), &source("requirements.txt"))?;
    let script = source("verify.py");
    let mut lines = output(Command::new(python).arg("-I").arg(script).arg(corpus))?;
    let node = node(place)?;
    lines += &output(
        Command::new("node")
            .arg(node.join("verify.mjs"))
            .arg(corpus),
    )?;
    lines.lines().map(theirs).collect()
}

fn theirs(line: &str) -> Result<Theirs> {
    let line: Value = serde_json::from_str(line)?;
    Ok(Theirs {
        library: text(&line, "library")?.to_owned(),
        id: id(&line)?,
        accepted: line.get("accepted") == Some(&Value::Bool(true)),
    })
}

/// The directory with Wycheproof's sets of whole tokens.
pub fn wycheproof(place: &Path) -> Result<PathBuf> {
    let script = source("fetch_wycheproof.py");
    let directory = output(
        Command::new("python3")
            .arg("-I")
            .arg(script)
            .arg(place.join("wycheproof")),
    )?;
    Ok(PathBuf::from(directory.trim()))
}

fn source(name: &str) -> PathBuf {
    root().join("tests/differential").join(name)
}

/// A directory with the script and the packages of the lock file.
fn node(place: &Path) -> Result<PathBuf> {
    let directory = place.join("node");
    packages::node(&directory, &source(""))?;
    fs::copy(source("verify.mjs"), directory.join("verify.mjs"))?;
    Ok(directory)
}
