//! Finds the server programs of PostgreSQL.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use super::apt;
use crate::workspace::output;

/// Where Debian and its descendants keep them: `<major>/bin` below it.
const DEBIAN: &str = "/usr/lib/postgresql";

const NEEDED: [&str; 4] = ["initdb", "pg_basebackup", "pg_ctl", "postgres"];

const HOW_TO_INSTALL: &str = "PostgreSQL's server programs (initdb, pg_basebackup, pg_ctl, \
    postgres) are not installed, and apt-get cannot be used as this user. Install PostgreSQL (Debian, Ubuntu: \
    `apt-get install postgresql`; Fedora: `dnf install postgresql-server`; macOS: `brew install \
    postgresql`), or leave its tests out with `cargo xtask test --no-postgres`.";

/// A directory with all server programs.
pub struct Binaries {
    directory: PathBuf,
}

impl Binaries {
    /// Looks everywhere, then tries to install, then looks again.
    pub fn find_or_install() -> Result<Self> {
        if let Some(found) = Self::find() {
            return Ok(found);
        }
        if apt::is_usable() {
            apt::install()?;
            if let Some(found) = Self::find() {
                return Ok(found);
            }
        }
        bail!(HOW_TO_INSTALL)
    }

    /// The first directory that has them all.
    pub fn find() -> Option<Self> {
        from_path()
            .into_iter()
            .chain(from_pg_config())
            .chain(from_debian(Path::new(DEBIAN)))
            .find(|directory| is_complete(directory))
            .map(|directory| Self { directory })
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }

    pub fn initdb(&self) -> PathBuf {
        self.directory.join("initdb")
    }

    pub fn pg_ctl(&self) -> PathBuf {
        self.directory.join("pg_ctl")
    }
}

fn from_path() -> Vec<PathBuf> {
    env::var_os("PATH").map_or_else(Vec::new, |path| env::split_paths(&path).collect())
}

fn from_pg_config() -> Option<PathBuf> {
    let directory = output(Command::new("pg_config").arg("--bindir")).ok()?;
    Some(PathBuf::from(directory.trim()))
}

/// The directories of all installed major versions, the newest first.
fn from_debian(parent: &Path) -> Vec<PathBuf> {
    let mut majors: Vec<u32> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    majors.sort_unstable_by(|a, b| b.cmp(a));
    majors
        .into_iter()
        .map(|major| parent.join(major.to_string()).join("bin"))
        .collect()
}

/// A client package brings some of the programs, but not all.
fn is_complete(directory: &Path) -> bool {
    NEEDED.iter().all(|name| directory.join(name).is_file())
}
