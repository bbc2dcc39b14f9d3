//! Builds the targets with a counter in every branch.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::target::Target;
use crate::packages;
use crate::workspace::{cargo, output, root, succeeds};

/// The package, a workspace of its own.
pub const PACKAGE: &str = "tests/fuzz";

/// What `cargo fuzz build --sanitizer none` gives the compiler. A sanitizer would want a nightly
/// one; the code under test has no `unsafe` that it could watch.
const FLAGS: [&str; 5] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// What was built, and where.
pub struct Build {
    place: PathBuf,
    host: String,
}

impl Build {
    /// Builds these targets. The flags are for the machine's own target alone, by name, so that
    /// build scripts and macros are left as they are.
    pub fn new(targets: &[Target]) -> Result<Self> {
        let place = packages::place("fuzz")?;
        let host = host()?;
        let mut command = cargo();
        command
            .current_dir(root().join(PACKAGE))
            .args(["build", "--release", "--locked", "--target", &host])
            .env("CARGO_TARGET_DIR", &place)
            .env("RUSTFLAGS", FLAGS.join(" "));
        for target in targets {
            command.args(["--bin", &target.name]);
        }
        ensure!(succeeds(&mut command)?, "the targets do not build");
        Ok(Self { place, host })
    }

    /// A target's program.
    pub fn program(&self, target: &str) -> Command {
        Command::new(self.place.join(&self.host).join("release").join(target))
    }

    /// A directory of this target's own.
    pub fn directory(&self, purpose: &str, target: &str) -> Result<PathBuf> {
        let directory = self.place.join(purpose).join(target);
        std::fs::create_dir_all(&directory)?;
        Ok(directory)
    }
}

/// A directory of this target's in the sources.
pub fn committed(purpose: &str, name: &str) -> PathBuf {
    root().join(Path::new(PACKAGE)).join(purpose).join(name)
}

fn host() -> Result<String> {
    let told = output(Command::new("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .context("rustc does not say for what it compiles")
}
