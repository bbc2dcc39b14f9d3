//! Where things are in this workspace, and how its commands are run.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Directories that hold what was built or what a server left behind.
const NOT_SOURCES: [&str; 3] = [".git", "target", "data"];

/// The directory of the root `Cargo.toml`.
pub fn root() -> PathBuf {
    // `cargo run` says where the package is now; a checkout may have moved
    // since xtask was compiled.
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or(package.clone(), Path::to_path_buf)
}

/// The cargo that runs this task, in the workspace's root.
pub fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Where the release build leaves the program `name`: beside xtask itself.
pub fn binary(name: &str) -> Result<PathBuf> {
    let xtask = env::current_exe().context("where is xtask itself?")?;
    let directory = xtask.parent().context("xtask lies in no directory")?;
    Ok(directory.join(format!("{name}{}", env::consts::EXE_SUFFIX)))
}

/// Shows the command, runs it, and says whether it exited with 0.
pub fn succeeds(command: &mut Command) -> Result<bool> {
    println!("$ {}", shown(command));
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    Ok(status.success())
}

/// Builds these programs as they are shipped. Of the whole workspace, whichever they are: each choice
/// of packages would resolve other features of what they are made of, and compile that anew.
pub fn build_programs(names: &[&str]) -> Result<()> {
    let mut command = cargo();
    command.args(["build", "--release", "--workspace"]);
    for name in names {
        command.args(["--bin", name]);
    }
    ensure!(succeeds(&mut command)?, "the programs do not build");
    Ok(())
}

/// Runs the command and passes its standard output on, line by line; what it said, and whether it
/// exited with 0.
pub fn told(command: &mut Command) -> Result<(Vec<String>, bool)> {
    let program = command.get_program().display().to_string();
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let output = child.stdout.take().context("it has no output")?;
    let mut lines = Vec::new();
    for line in BufReader::new(output).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        lines.push(line);
    }
    Ok((lines, child.wait()?.success()))
}

/// What the command prints on standard output; an error if it fails.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    ensure!(
        output.status.success(),
        "`{}` failed: {}",
        shown(command),
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// Every file that is, or could be, committed; relative to the root, sorted.
pub fn files() -> Result<Vec<PathBuf>> {
    let root = root();
    let mut files = if root.join(".git").exists() && has_git() {
        listed_by_git(&root)?
    } else {
        let mut found = Vec::new();
        walk(&root, &root, &mut found)?;
        found
    };
    files.sort();
    Ok(files)
}

fn has_git() -> bool {
    Command::new("git").arg("--version").output().is_ok()
}

fn listed_by_git(root: &Path) -> Result<Vec<PathBuf>> {
    let listing = output(
        Command::new("git")
            .current_dir(root)
            // CI often runs as another user than the owner of the checkout.
            .args(["-c", "safe.directory=*"])
            .args([
                "ls-files",
                "-z",
                "--cached",
                "--others",
                "--exclude-standard",
            ]),
    )?;
    Ok(listing
        .split_terminator('\0')
        .map(PathBuf::from)
        .filter(|path| root.join(path).is_file())
        .collect())
}

/// The same for an unpacked archive, or a machine without git.
fn walk(root: &Path, directory: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if !NOT_SOURCES.iter().any(|name| entry.file_name() == *name) {
                walk(root, &path, found)?;
            }
        } else {
            found.push(path.strip_prefix(root)?.to_path_buf());
        }
    }
    Ok(())
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    std::iter::once(name)
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}
