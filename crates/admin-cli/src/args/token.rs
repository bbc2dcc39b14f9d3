//! `renewctl token …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with a token.
#[derive(Debug, Subcommand)]
pub enum TokenVerb {
    /// Show what a token says; nothing of it is verified
    Inspect(TokenSource),
    /// Say whether a token is good at this moment, and why not; exit status 1 if it is not
    Verify(TokenSource),
}

/// Where the token is. Never on the command line, which every process of the machine can read.
#[derive(Debug, Args)]
pub struct TokenSource {
    /// File with the token, or - for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}
