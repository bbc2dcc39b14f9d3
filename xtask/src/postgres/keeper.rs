//! Sees to it that no server and no file outlives this process.
//!
//! A `Drop` alone does not run on Ctrl-C or SIGKILL. The keeper is a small shell
//! process that waits for the end of its standard input: the pipe closes when the
//! guard is dropped, and also when this process ends in whatever way.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use super::account::{self, Account};
use super::binaries::Binaries;

/// Arguments: `pg_ctl`, the cluster's directory. Immediate: nothing in it is worth
/// a checkpoint.
const WAIT_AND_REMOVE: &str = r#"
trap '' INT TERM HUP
read -r _ || :
"$1" stop --silent --wait --mode immediate --pgdata "$2/data" >/dev/null 2>&1 || :
rm -rf "$2"
"#;

/// Dropping it stops the server, if it runs, and removes the directory.
pub struct Keeper {
    shell: Child,
    directory: PathBuf,
}

impl Keeper {
    /// Watches over `directory` from now on.
    pub fn watch(binaries: &Binaries, directory: &Path, account: Option<Account>) -> Result<Self> {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", WAIT_AND_REMOVE, "keeper"])
            .arg(binaries.pg_ctl())
            .arg(directory)
            .current_dir("/")
            .stdin(Stdio::piped())
            // Not for the keeper what the terminal sends to the whole group.
            .process_group(0);
        account::run_as(&mut command, account);
        let shell = command.spawn().context("cannot start a shell")?;
        Ok(Self {
            shell,
            directory: directory.to_owned(),
        })
    }

    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        if let Err(error) = self.shell.wait() {
            eprintln!("xtask: the test cluster may be left behind: {error}");
        }
    }
}
