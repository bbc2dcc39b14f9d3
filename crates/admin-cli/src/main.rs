//! `renewctl`: the admin command line of renewd. Here are its exit statuses and nothing else:
//! 0 done, 1 failed or answered no, 2 wrong usage (clap's own for what it cannot parse).

#![expect(
    unreachable_pub,
    reason = "a program has no outside: `pub` says what a module has for the others"
)]

mod args;
mod commands;
mod context;
mod failure;
mod hashing;
mod output;
mod password;
mod question;
mod settings;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::failure::Failure;

fn main() -> ExitCode {
    match commands::run(Cli::parse()) {
        Ok(status) => status,
        Err(failure) => {
            tell(&failure);
            ExitCode::from(failure.exit_status())
        }
    }
}

/// One line, whatever a database driver put into its message. Where standard error is closed there
/// is nobody to tell; the exit status remains.
fn tell(failure: &Failure) {
    let text = failure.to_string();
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let _ = writeln!(io::stderr(), "renewctl: {line}");
}
