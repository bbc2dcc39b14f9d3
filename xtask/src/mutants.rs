//! `cargo xtask mutants`: whether the tests notice when a line of the code is wrong.

mod figures;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;

use self::figures::Figures;
use crate::Outcome;
use crate::packages;
use crate::page::Page;
use crate::workspace::{cargo, files, root, succeeds};

/// The page with the figures.
const PAGE: Page = Page {
    path: "docs/verification/mutants.md",
    command: "cargo xtask mutants --write",
};

/// What changes the code: the program and its version.
const TOOL: [&str; 2] = ["cargo-mutants", "27.1.0"];

/// Change the code a little, again and again, and look for a change that no test notices
///
/// Installs cargo-mutants into target/tools, where it is not there yet, and lets it work on a copy
/// of the sources under target/mutants, which is kept, so that what the crates are made of is built
/// once. `.cargo/mutants.toml` says which modules are changed: those that handle tokens, sessions,
/// passwords and cookies. The tests beside the code are asked first, and those of the crate
/// only about what they do not notice. Mutants that were caught before are not tried again until
/// target/mutants is removed. Takes hours; `--only` takes minutes.
#[derive(Args)]
pub struct Options {
    /// Only the mutants whose names match this: a path, or the name of a function
    #[arg(long, value_name = "REGEX")]
    only: Option<String>,
    /// Write the tables of docs/verification/mutants.md from all that was found so far
    #[arg(long)]
    write: bool,
}

/// The packages, each with a tree and an output of its own.
const PACKAGES: [&str; 2] = ["token-core", "http-actix"];

/// The tests that are asked, the cheap ones first: those in the library but for the ones that hash
/// passwords, which take longer than all the others together; all of the package but for the large
/// sets of hostile tokens; all.
const PASSES: [&[&str]; 3] = [
    &["--lib", "--", "--skip", "password::hash::"],
    &[
        "--tests", "--", "--skip", "corpus::", "--skip", "damage::", "--skip", "unique::",
    ],
    &["--tests"],
];

pub fn run(options: &Options) -> Result<Outcome> {
    let tool = installed()?;
    let mut all = Figures::default();
    for package in PACKAGES {
        let home = packages::place("mutants")?.join(package);
        let tree = home.join("tree");
        copy_sources(&tree)?;
        for pass in PASSES {
            let mut command = Command::new(&tool);
            command
                .args(["mutants", "--in-place", "--no-shuffle", "--iterate"])
                .args(["--package", package, "--dir"])
                .arg(&tree)
                .arg("--output")
                .arg(&home)
                .env("CARGO_INCREMENTAL", "1");
            if let Some(only) = &options.only {
                command.args(["--re", only]);
            }
            command.arg("--").args(pass);
            // It exits with 2 where a mutant is missed, which the next pass may still catch.
            succeeds(&mut command)?;
        }
        all.add(Figures::read(&home.join("mutants.out"))?);
    }
    println!("{}", all.text());
    if options.write {
        let page = PAGE.replaced(&PAGE.read()?, "the figures", &all.table())?;
        let page = PAGE.replaced(&page, "the survivors", &all.survivors())?;
        PAGE.publish(&page, false)?;
    }
    let unexplained = all.unexplained(&PAGE.read()?);
    for name in &unexplained {
        println!("not noticed, and not explained in {}: {name}", PAGE.path);
    }
    Ok(Outcome::passed_if(unexplained.is_empty()))
}

/// The program, in target/tools.
fn installed() -> Result<PathBuf> {
    let place = packages::place("tools")?;
    let [name, version] = TOOL;
    let program = place.join("bin").join(name);
    if !program.is_file() {
        let mut command = cargo();
        command
            .args(["install", name, "--locked", "--version", version, "--root"])
            .arg(&place);
        ensure!(succeeds(&mut command)?, "{name} is not installed");
    }
    Ok(program)
}

/// Brings the copy up to date. A file that is as it should be keeps its time, so that cargo builds
/// nothing that it has built; a mutant that was left behind is undone.
fn copy_sources(tree: &Path) -> Result<()> {
    for path in files()? {
        let (from, to) = (root().join(&path), tree.join(&path));
        let wanted = fs::read(&from).with_context(|| from.display().to_string())?;
        if fs::read(&to).is_ok_and(|there| there == wanted) {
            continue;
        }
        if let Some(directory) = to.parent() {
            fs::create_dir_all(directory)?;
        }
        fs::write(&to, wanted).with_context(|| to.display().to_string())?;
    }
    Ok(())
}
