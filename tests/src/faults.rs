//! Storage that fails while the process lives: a full disk, made by the limit on
//! the size of files, which one process can set for another.

use std::path::Path;
use std::process::{Child, Command};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::process;

/// A command like [`process::command`] whose process gets an error, and no signal,
/// for a write over the limit. An ignored signal stays ignored over `exec`.
pub fn unsignalled(program: &Path, directory: &Path, env: &[(String, String)]) -> Command {
    let mut command = process::command(Path::new("/bin/sh"), directory, env);
    command
        .args(["-c", r#"trap '' XFSZ; exec "$0" "$@""#])
        .arg(program);
    command
}

/// Sets the limit of `child`, or lifts it.
///
/// # Panics
/// Where the system refuses.
pub fn limit_files(child: &Child, limited: bool) {
    limit_files_of(Pid::from_child(child), limited);
}

/// As [`limit_files`], for any process that this one may limit.
///
/// # Panics
/// Where the system refuses.
pub fn limit_files_of(pid: Pid, limited: bool) {
    let limit = Rlimit {
        current: limited.then_some(1),
        maximum: None,
    };
    prlimit(Some(pid), Resource::Fsize, limit).expect("the limit is set");
}
