//! Other people's packages, as the lock files in the sources pin them, installed under target/.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::workspace::{binary, succeeds};

/// A directory of `task` under target/.
pub fn place(task: &str) -> Result<PathBuf> {
    let release = binary("xtask")?;
    let target = release
        .parent()
        .and_then(Path::parent)
        .context("xtask lies in no target directory")?;
    let place = target.join(task);
    fs::create_dir_all(&place)?;
    Ok(place)
}

/// A Python in `directory` with the packages of `requirements`, whose digests pip checks.
pub fn python(directory: &Path, requirements: &Path) -> Result<PathBuf> {
    let program = directory.join("bin/python");
    let stamp = directory.join("requirements.txt");
    if !is_same(requirements, &stamp) {
        let made = succeeds(
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(directory),
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
        let installed = succeeds(Command::new(&program).args(pip).arg(requirements))?;
        ensure!(installed, "pip does not install the requirements");
        fs::copy(requirements, &stamp)?;
    }
    Ok(program)
}

/// The packages of the lock file in `source`, in `directory`: scripts that are copied there find
/// them.
pub fn node(directory: &Path, source: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    fs::copy(source.join("package.json"), directory.join("package.json"))?;
    let wanted = source.join("package-lock.json");
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
        let installed = succeeds(Command::new("npm").current_dir(directory).args(npm));
        ensure!(
            installed.context("Node with npm is needed")?,
            "npm does not install the packages"
        );
    }
    Ok(())
}

/// Has Maven build what `pom` says, with these properties of it: exact versions, of which Maven
/// compares the digests that the repository has for them. Whether it did.
pub fn maven(pom: &Path, repository: &Path, properties: &[String]) -> Result<bool> {
    let mut command = Command::new("mvn");
    command
        .args(["--quiet", "--batch-mode", "--strict-checksums", "--file"])
        .arg(pom)
        .arg(format!("-Dmaven.repo.local={}", repository.display()))
        .args(properties.iter().map(|property| format!("-D{property}")))
        .arg("process-classes");
    succeeds(&mut command).context("Maven is needed")
}

fn is_same(one: &Path, other: &Path) -> bool {
    fs::read(one)
        .and_then(|one| Ok(one == fs::read(other)?))
        .unwrap_or(false)
}
