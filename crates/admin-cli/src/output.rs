//! Answers, as tables for people or JSON for programs. JSON has the members of the HTTP API.

mod answer;
mod client;
mod key;
mod session;
mod table;
mod token;
mod user;

use std::io::{self, ErrorKind, IsTerminal, Write};

pub use answer::{Answer, SessionCounts, Status};
pub use key::{BackedUp, Rewrapped};
pub use token::{SessionVerdict, Verdict};

use crate::args::Format;

/// Where answers go, and how.
#[derive(Debug, Clone, Copy)]
pub struct Printer {
    format: Format,
    quiet: bool,
}

impl Printer {
    /// In the format asked for; else tables on a terminal and JSON for whatever reads a pipe.
    pub fn new(format: Option<Format>, quiet: bool) -> Self {
        let usual = || {
            if io::stdout().is_terminal() {
                Format::Table
            } else {
                Format::Json
            }
        };
        Self {
            format: format.unwrap_or_else(usual),
            quiet,
        }
    }

    /// Whether a person reads it.
    pub fn is_table(self) -> bool {
        self.format == Format::Table
    }

    /// Prints an answer to standard output.
    pub fn print(self, answer: &Answer) -> io::Result<()> {
        let text = match self.format {
            Format::Table => answer.table(self.quiet),
            Format::Json => answer.json(self.quiet)?,
        };
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Whoever read it has seen enough: `renewctl user list | head`.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            printed => printed,
        }
    }

    /// Remarks to standard error on what else was done. Where that is closed, nobody asked.
    pub fn remark(self, text: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr(), "renewctl: {text}");
        }
    }
}
