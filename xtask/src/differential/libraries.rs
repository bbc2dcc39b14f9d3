//! The other libraries: installed under target/, run, and listened to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::corpus::{Id, id};
use super::text;
use crate::workspace::{output, root, succeeds};

/// What one library said of one token.
pub struct Theirs {
    /// The library's name with its version.
    pub library: String,
    pub id: Id,
    pub accepted: bool,
}

/// The verdicts of all libraries on the corpus.
pub fn verdicts(place: &Path, corpus: &Path) -> Result<Vec<Theirs>> {
    let python = python(place)?;
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

/// A Python with the pinned packages, whose digests pip checks.
fn python(place: &Path) -> Result<PathBuf> {
    let directory = place.join("python");
    let program = directory.join("bin/python");
    let wanted = source("requirements.txt");
    let stamp = directory.join("requirements.txt");
    if !is_same(&wanted, &stamp) {
        let made = succeeds(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&directory),
        );
        ensure!(
            made.context("Python 3 is needed")?,
            "python3 makes no environment"
        );
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-input",
            "--require-hashes",
            "--requirement",
        ];
        let installed = succeeds(Command::new(&program).args(pip).arg(&wanted))?;
        ensure!(installed, "pip does not install the requirements");
        fs::copy(&wanted, &stamp)?;
    }
    Ok(program)
}

/// A directory with the script and the packages of the lock file.
fn node(place: &Path) -> Result<PathBuf> {
    let directory = place.join("node");
    fs::create_dir_all(&directory)?;
    fs::copy(source("verify.mjs"), directory.join("verify.mjs"))?;
    fs::copy(source("package.json"), directory.join("package.json"))?;
    let wanted = source("package-lock.json");
    let stamp = directory.join("package-lock.json");
    if !is_same(&wanted, &stamp) || !directory.join("node_modules").is_dir() {
        fs::copy(&wanted, &stamp)?;
        let npm = [
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ];
        let installed = succeeds(Command::new("npm").current_dir(&directory).args(npm));
        ensure!(
            installed.context("Node with npm is needed")?,
            "npm does not install the packages"
        );
    }
    Ok(directory)
}

fn is_same(one: &Path, other: &Path) -> bool {
    fs::read(one)
        .and_then(|one| Ok(one == fs::read(other)?))
        .unwrap_or(false)
}
