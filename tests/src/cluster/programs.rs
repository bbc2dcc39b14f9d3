//! PostgreSQL's programs, and the user who runs them.

use std::env;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process;

/// Where the programs are, and as whom they run.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    directory: PathBuf,
    account: Option<(u32, u32)>,
}

impl Programs {
    /// What the environment says; `None` where it says nothing.
    pub(super) fn told() -> Option<Self> {
        let directory = env::var_os("RENEWD_TEST_POSTGRES_BIN")?.into();
        let account = env::var("RENEWD_TEST_POSTGRES_ACCOUNT").ok();
        let account = account.map(|text| parsed(&text).expect("an account is uid:gid"));
        Some(Self { directory, account })
    }

    /// A program, run as its user in a directory that this user may enter.
    pub(super) fn command(&self, program: &str, directory: &Path) -> Command {
        let mut command = process::command(&self.directory.join(program), directory, &[]);
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }

    /// Makes that user the owner of a file or directory.
    pub(super) fn give(&self, path: &Path) {
        if let Some((user, group)) = self.account {
            chown(path, Some(user), Some(group)).expect("the file is handed over");
        }
    }

    /// The user's and the group's number, where they are not those of this process.
    pub(super) fn account(&self) -> Option<(u32, u32)> {
        self.account
    }
}

fn parsed(text: &str) -> Option<(u32, u32)> {
    let (user, group) = text.split_once(':')?;
    Some((user.parse().ok()?, group.parse().ok()?))
}

/// Runs a program to its end, which must be a good one.
pub(super) fn succeed(mut command: Command) {
    let output = command.output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
