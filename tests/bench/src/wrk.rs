//! The load generator: `wrk`, with the scripts beside this crate.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use tempfile::TempDir;

/// Every script, by its file name: they call each other by it.
const SCRIPTS: [(&str, &str); 11] = [
    ("report.lua", include_str!("../wrk/report.lua")),
    ("get.lua", include_str!("../wrk/get.lua")),
    ("scripted_get.lua", include_str!("../wrk/scripted_get.lua")),
    ("pace.lua", include_str!("../wrk/pace.lua")),
    ("paced_get.lua", include_str!("../wrk/paced_get.lua")),
    ("pool.lua", include_str!("../wrk/pool.lua")),
    ("refresh.lua", include_str!("../wrk/refresh.lua")),
    (
        "paced_refresh.lua",
        include_str!("../wrk/paced_refresh.lua"),
    ),
    ("login.lua", include_str!("../wrk/login.lua")),
    ("paced_login.lua", include_str!("../wrk/paced_login.lua")),
    ("mixed.lua", include_str!("../wrk/mixed.lua")),
];

/// The scripts, where wrk finds them.
pub struct Scripts(TempDir);

impl Scripts {
    /// Lays them out.
    pub fn lay_out() -> Result<Self> {
        let directory = TempDir::new()?;
        for (name, text) in SCRIPTS {
            fs::write(directory.path().join(name), text)?;
        }
        Ok(Self(directory))
    }

    /// Another one beside them.
    pub fn add(&self, name: &str, text: &str) -> Result<()> {
        Ok(fs::write(self.0.path().join(name), text)?)
    }

    /// A load that this script makes.
    pub fn load(&self, script: &'static str, url: &str) -> Load {
        Load {
            directory: self.0.path().display().to_string(),
            script,
            url: url.to_owned(),
            connections: 64,
            seconds: 1,
            headers: Vec::new(),
            arguments: Vec::new(),
        }
    }
}

/// What wrk is asked to do.
#[derive(Debug, Clone)]
pub struct Load {
    directory: String,
    script: &'static str,
    url: String,
    connections: u32,
    seconds: u32,
    headers: Vec<String>,
    arguments: Vec<String>,
}

/// What it saw; times in microseconds.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Told {
    /// Answers.
    pub requests: u64,
    /// How long it went on.
    pub micros: u64,
    /// Bytes of the answers.
    pub bytes: u64,
    /// The median latency.
    pub p50: u64,
    /// The latency of the slowest of a hundred.
    pub p99: u64,
    /// Answers with a status of 400 and above.
    pub refused: u64,
    /// Errors of connections.
    pub broken: u64,
    /// Requests without an answer in time.
    pub late: u64,
}

impl Load {
    /// So many connections at once.
    #[must_use]
    pub const fn connections(mut self, connections: u32) -> Self {
        self.connections = connections;
        self
    }

    /// For so long.
    #[must_use]
    pub const fn seconds(mut self, seconds: u32) -> Self {
        self.seconds = seconds;
        self
    }

    /// With this header.
    #[must_use]
    pub fn header(mut self, header: String) -> Self {
        self.headers.push(header);
        self
    }

    /// With one more argument for the script.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// With a file for the script.
    #[must_use]
    pub fn file(self, path: &Path) -> Self {
        self.argument(path.display().to_string())
    }

    /// Runs it to its end; nothing may be refused, broken or late.
    pub fn run(&self) -> Result<Told> {
        let told = self.start()?.wait()?;
        ensure!(
            told.requests > 0 && told.refused + told.broken + told.late == 0,
            "{}: not every request was answered well: {told:?}",
            self.script
        );
        Ok(told)
    }

    /// Starts it; refusals are the caller's to judge.
    pub fn start(&self) -> Result<Running> {
        let child = Command::new("wrk")
            .current_dir(&self.directory)
            // One thread: all of them together have the pool of tokens, and two cores.
            .args(["--threads", "1", "--timeout", "60s"])
            .args(["--connections", &self.connections.to_string()])
            .args(["--duration", &format!("{}s", self.seconds)])
            .args(["--script", self.script])
            .args(
                self.headers
                    .iter()
                    .flat_map(|header| ["--header", header.as_str()]),
            )
            .arg(&self.url)
            .arg("--")
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot run wrk")?;
        Ok(Running(child))
    }
}

/// A load that is on.
pub struct Running(Child);

impl Running {
    /// Waits for its end.
    pub fn wait(self) -> Result<Told> {
        let output = self.0.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let told = said.lines().rev().find(|line| line.starts_with('{'));
        let told = told.with_context(|| {
            let complained = String::from_utf8_lossy(&output.stderr);
            format!("wrk tells nothing: {said}{complained}")
        })?;
        Ok(serde_json::from_str(told)?)
    }
}

impl Told {
    /// Answers per second.
    pub fn rate(&self) -> f64 {
        self.requests as f64 / (self.micros as f64 / 1e6)
    }
}
