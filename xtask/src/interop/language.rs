//! The languages: whether they are installed, how their packages are, and how their programs run.

use std::fmt::{self, Display, Formatter};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::packages;
use crate::workspace::{root, succeeds};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    Node,
    Python,
    Go,
    Java,
}

impl Language {
    /// In the order of the page.
    pub const ALL: [Self; 4] = [Self::Node, Self::Python, Self::Go, Self::Java];

    /// The name in file names and marks.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Python => "python",
            Self::Go => "go",
            Self::Java => "java",
        }
    }

    pub fn is_installed(self) -> bool {
        let programs: &[(&str, &str)] = match self {
            Self::Node => &[("node", "--version"), ("npm", "--version")],
            Self::Python => &[("python3", "--version")],
            Self::Go => &[("go", "version")],
            Self::Java => &[("java", "--version"), ("mvn", "--version")],
        };
        programs.iter().all(|(program, version)| {
            Command::new(program)
                .arg(version)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        })
    }

    /// Installs the packages in a directory of its own in `place`; the answer runs the program,
    /// and wants the job's file as its argument.
    pub fn install(self, place: &Path) -> Result<Command> {
        let place = place.join(self.name());
        fs::create_dir_all(&place)?;
        match self {
            Self::Node => node(&place),
            Self::Python => python(&place),
            Self::Go => go(&place),
            Self::Java => java(&place),
        }
    }

    fn source(self) -> PathBuf {
        root().join("tests/interop").join(self.name())
    }
}

impl Display for Language {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Node => "Node",
            Self::Python => "Python",
            Self::Go => "Go",
            Self::Java => "Java",
        })
    }
}

/// Node looks for packages beside the script, so that the scripts are copied to them.
fn node(place: &Path) -> Result<Command> {
    let source = Language::Node.source();
    packages::node(place, &source)?;
    for directory in ["", "verifiers", "clients"] {
        let (from, to) = (source.join(directory), place.join(directory));
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(&from)? {
            let script = entry?.path();
            if let (Some(name), true) = (
                script.file_name(),
                script.extension().is_some_and(|it| it == "mjs"),
            ) {
                fs::copy(&script, to.join(name))?;
            }
        }
    }
    let mut program = Command::new("node");
    program.arg(place.join("interop.mjs"));
    Ok(program)
}

fn python(place: &Path) -> Result<Command> {
    let source = Language::Python.source();
    let mut program = Command::new(packages::python(place, &source.join("requirements.txt"))?);
    // Without bytecode, which it would leave among the sources.
    program
        .args(["-E", "-s", "-B"])
        .arg(source.join("interop.py"));
    Ok(program)
}

/// The digests of go.sum are checked; nothing but the installed Go compiles.
fn go(place: &Path) -> Result<Command> {
    let program = place.join("interop");
    let built = succeeds(
        Command::new("go")
            .current_dir(Language::Go.source())
            .args(["build", "-o"])
            .arg(&program)
            .arg(".")
            .env("GOFLAGS", "-mod=readonly -modcacherw -buildvcs=false")
            .env("GOMODCACHE", place.join("modules"))
            .env("GOCACHE", place.join("cache"))
            .env("GOTOOLCHAIN", "local"),
    )?;
    ensure!(built, "the Go program does not build");
    Ok(Command::new(program))
}

fn java(place: &Path) -> Result<Command> {
    let output = place.join("build");
    let built = packages::maven(
        &Language::Java.source().join("pom.xml"),
        &place.join("repository"),
        &[format!("interop.build={}", output.display())],
    )?;
    ensure!(built, "the Java program does not build");
    let libraries = fs::read_to_string(output.join("classpath")).context("no class path")?;
    let classes = format!("{}:{}", output.join("classes").display(), libraries.trim());
    let mut program = Command::new("java");
    program.args(["-cp", &classes, "interop.Interop"]);
    Ok(program)
}
