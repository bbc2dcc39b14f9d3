//! Where the two binaries are, and running one of them to its end.

use std::env;
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::clock;

/// How a program ended and what it said.
#[derive(Debug)]
pub struct Finished {
    /// The exit status; `None` where a signal ended it.
    pub code: Option<i32>,
    /// All of standard output.
    pub stdout: String,
    /// All of standard error.
    pub stderr: String,
}

/// The server's program: `RENEWD_BIN`, or the one that cargo built.
pub fn renewd() -> PathBuf {
    binary("RENEWD_BIN", "renewd")
}

/// The admin program: `RENEWCTL_BIN`, or the one that cargo built.
pub fn renewctl() -> PathBuf {
    binary("RENEWCTL_BIN", "renewctl")
}

fn binary(variable: &str, name: &str) -> PathBuf {
    if let Some(path) = env::var_os(variable) {
        return path.into();
    }
    // The test runs as <target>/release/deps/e2e-<hash>.
    let test = env::current_exe().expect("a test knows its own path");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("deps/ has a parent");
    let path = profile.join(name);
    assert!(
        path.exists(),
        "{} is not there: run `cargo build --release --bin {name}` first, or set {variable}",
        path.display()
    );
    path
}

/// A command with an empty environment but for what is given.
pub fn command(program: &Path, directory: &Path, env: &[(String, String)]) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .current_dir(directory)
        .stdin(Stdio::null());
    command.envs(env.iter().map(|(name, value)| (name, value)));
    // A coverage build says with this where its counts go.
    if let Some(profile) = env::var_os("LLVM_PROFILE_FILE") {
        command.env("LLVM_PROFILE_FILE", profile);
    }
    command
}

/// Runs `command` with `input` on its standard input.
///
/// # Panics
/// When it does not end within the common patience; it is killed then.
pub fn run(command: &mut Command, input: impl AsRef<[u8]>) -> Finished {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("standard input is piped");
    let stdout = reader(child.stdout.take().expect("standard output is piped"));
    let stderr = reader(child.stderr.take().expect("standard error is piped"));
    // A program that does not read its input closes the pipe: no failure here.
    let _ = stdin.write_all(input.as_ref());
    drop(stdin);
    let deadline = Instant::now() + clock::PATIENCE;
    let mut status = child.try_wait().expect("wait");
    while status.is_none() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(5));
        status = child.try_wait().expect("wait");
    }
    if status.is_none() {
        child.kill().expect("kill -9");
        child.wait().expect("the child is waited for");
    }
    let stdout = stdout.join().expect("a reader");
    let stderr = stderr.join().expect("a reader");
    let Some(status) = status else {
        panic!("{command:?} does not end: {stdout}{stderr}");
    };
    Finished {
        code: status.code(),
        stdout,
        stderr,
    }
}

fn reader(mut output: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        output.read_to_end(&mut bytes).expect("the output is read");
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// As [`run`], with arguments and without input.
pub fn run_args<A: AsRef<OsStr>>(
    command: &mut Command,
    args: impl IntoIterator<Item = A>,
) -> Finished {
    run(command.args(args), "")
}
