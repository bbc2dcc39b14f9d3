//! `renewctl`, run beside a server.

use std::path::PathBuf;

use serde_json::Value;

use crate::Server;
use crate::process::{self, Finished};

/// Runs `renewctl` on the database of one server.
#[derive(Debug)]
pub struct Ctl {
    directory: PathBuf,
    env: Vec<(String, String)>,
    url: String,
}

impl Ctl {
    /// For the database of `server`, which need not run.
    pub fn of(server: &Server) -> Self {
        let store = server.store();
        let mut env = store.settings();
        env.retain(|(name, _)| name != "RENEWD_DATABASE_URL");
        Self {
            directory: server.directory(),
            env,
            url: store.url(),
        }
    }

    /// For a database that no server has made yet.
    pub fn at(directory: PathBuf, url: &str) -> Self {
        Self {
            directory,
            env: Vec::new(),
            url: url.to_owned(),
        }
    }

    /// Sets an environment variable of `renewctl`.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs `renewctl` with `args` and `input` on its standard input.
    pub fn run_with(&self, args: &[&str], input: &str) -> Finished {
        let mut command = process::command(&process::renewctl(), &self.directory, &self.env);
        command.args(["--database-url", &self.url]).args(args);
        process::run(&mut command, input)
    }

    /// Runs `renewctl` with `args`.
    pub fn run(&self, args: &[&str]) -> Finished {
        self.run_with(args, "")
    }

    /// Runs `renewctl --yes` with `args`, which must succeed.
    ///
    /// # Panics
    /// Where it does not.
    #[track_caller]
    pub fn done(&self, args: &[&str]) -> Finished {
        let finished = self.run(&[&["--yes"], args].concat());
        assert_eq!(finished.code, Some(0), "renewctl {args:?}: {finished:?}");
        finished
    }

    /// Runs `renewctl --output json` with `args`, which must succeed.
    ///
    /// # Panics
    /// Where it does not, or does not print JSON.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        let finished = self.run(&[&["--output", "json", "--yes"], args].concat());
        assert_eq!(finished.code, Some(0), "renewctl {args:?}: {finished:?}");
        serde_json::from_str(&finished.stdout)
            .unwrap_or_else(|error| panic!("{error}: {:?}", finished.stdout))
    }
}
