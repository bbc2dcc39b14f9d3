//! `renewctl key …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// What to do with keys.
#[derive(Debug, Subcommand)]
pub enum KeyVerb {
    /// List keys and where they are in their lives
    List(ListKeys),
    /// Make a new key: it takes over by itself when everybody has had the time to learn of it
    Rotate(RotateKey),
    /// Refuse a key from now on, in an emergency: what it signed is refused at once
    Retire(RetireKey),
    /// Encrypt all keys under another master key
    Rewrap(RewrapKeys),
    /// Write the encrypted keys to a file
    Backup(BackUpKeys),
}

/// Which keys to list.
#[derive(Debug, Args)]
pub struct ListKeys {
    /// Also retired ones
    #[arg(long)]
    pub all: bool,
}

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Purpose {
    /// Signs access tokens
    Access,
    /// Key material of refresh tokens
    Refresh,
    /// Keys passwords before they are hashed
    Pepper,
}

/// Which key to make anew.
#[derive(Debug, Args)]
pub struct RotateKey {
    /// What it is for
    #[arg(long, value_enum, value_name = "PURPOSE", default_value = "access")]
    pub purpose: Purpose,
}

/// Which key to refuse.
#[derive(Debug, Args)]
pub struct RetireKey {
    /// Name of the key, as `key list` shows it
    // Names are base64url: one in 64 begins with a dash.
    #[arg(allow_hyphen_values = true)]
    pub kid: String,
}

/// Which master key is to take over.
#[derive(Debug, Args)]
pub struct RewrapKeys {
    /// The file of the new master key; made if there is none
    #[arg(long, value_name = "FILE")]
    pub new_master_key_file: PathBuf,
}

/// Where to write the keys.
#[derive(Debug, Args)]
pub struct BackUpKeys {
    /// The file, which must not exist yet
    #[arg(long, value_name = "FILE")]
    pub to: PathBuf,
    /// Write the master key into it too: whoever has the file then has all keys
    #[arg(long)]
    pub include_master_key: bool,
}
