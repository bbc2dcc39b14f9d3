//! The servers that the libraries are tried on, for as long as they are needed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::workspace::binary;

/// A running `interop_stage`; dropped, it ends with its servers.
pub struct Stage {
    child: Child,
    job: PathBuf,
}

impl Stage {
    /// Starts it, with sessions for these OAuth clients, and leaves the job in `place`.
    pub fn set(place: &Path, clients: &[&str]) -> Result<Self> {
        let mut child = Command::new(binary("interop_stage")?)
            .args(clients)
            .env("RENEWD_BIN", binary("renewd")?)
            .env("RENEWCTL_BIN", binary("renewctl")?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot run interop_stage")?;
        let output = child.stdout.take().context("it has no output")?;
        let stage = Self {
            child,
            job: place.join("job.json"),
        };
        let mut told = String::new();
        BufReader::new(output).read_line(&mut told)?;
        ensure!(!told.is_empty(), "interop_stage says nothing");
        fs::write(&stage.job, told)?;
        Ok(stage)
    }

    /// The file that says where everything is.
    pub fn job(&self) -> &Path {
        &self.job
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The end of its input ends it; that it ends is all that is wanted of it.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
