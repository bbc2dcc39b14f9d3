//! The user that the server runs as: PostgreSQL refuses to be root.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::workspace::output;

/// Users that can be expected on a machine where one runs tests as root.
const CANDIDATES: [&str; 2] = ["postgres", "nobody"];

/// A user and its main group.
#[derive(Clone, Copy)]
pub struct Account {
    user: u32,
    group: u32,
}

impl Account {
    /// The user to become for the server; none if this process is not root and
    /// can be the server's user itself.
    pub fn for_server() -> Result<Option<Self>> {
        if !is_root() {
            return Ok(None);
        }
        CANDIDATES
            .into_iter()
            .find_map(Self::named)
            .map(Some)
            .context("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`")
    }

    /// `uid:gid`, for those who start servers of their own.
    pub fn told(self) -> String {
        format!("{}:{}", self.user, self.group)
    }

    fn named(name: &str) -> Option<Self> {
        Some(Self {
            user: id(&["-u", name])?,
            group: id(&["-g", name])?,
        })
    }
}

pub fn is_root() -> bool {
    id(&["-u"]) == Some(0)
}

/// Makes the command run as the account, without root's groups.
pub fn run_as(command: &mut Command, account: Option<Account>) {
    if let Some(account) = account {
        command.uid(account.user).gid(account.group);
    }
}

/// Makes the account the owner of a file or directory.
pub fn give(path: &Path, account: Option<Account>) -> Result<()> {
    if let Some(account) = account {
        chown(path, Some(account.user), Some(account.group))
            .with_context(|| format!("cannot hand over {}", path.display()))?;
    }
    Ok(())
}

fn id(arguments: &[&str]) -> Option<u32> {
    output(Command::new("id").args(arguments))
        .ok()?
        .trim()
        .parse()
        .ok()
}
