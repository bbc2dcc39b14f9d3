//! `renewctl user …`

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What to do with accounts.
#[derive(Debug, Subcommand)]
pub enum UserVerb {
    /// Make an account
    Create(CreateUser),
    /// List all accounts
    List,
    /// Show an account
    Show(UserRef),
    /// Disable an account: its sessions end, and it cannot log in
    Disable(UserRef),
    /// Let a disabled account log in again; ended sessions stay ended
    Enable(UserRef),
    /// Delete an account: its sessions end
    Delete(UserRef),
    /// Set a password: all sessions of the account end
    SetPassword(SetPassword),
}

/// Which account.
#[derive(Debug, Args)]
pub struct UserRef {
    /// User name, e-mail address or id
    #[arg(value_name = "NAME")]
    pub user: String,
}

/// The account to make.
#[derive(Debug, Args)]
pub struct CreateUser {
    /// User name: 1 to 64 characters of any script, without @ and white space
    #[arg(value_name = "NAME")]
    pub username: String,
    /// E-mail address
    #[arg(long)]
    pub email: String,
    /// Name of the person
    #[arg(long, value_name = "NAME")]
    pub full_name: String,
    /// A role; may be given several times
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// Where the password comes from.
    #[command(flatten)]
    pub password: PasswordSource,
}

/// The account and its new password.
#[derive(Debug, Args)]
pub struct SetPassword {
    /// Which account.
    #[command(flatten)]
    pub user: UserRef,
    /// Where the password comes from.
    #[command(flatten)]
    pub password: PasswordSource,
}

/// Where a password comes from; on a terminal it is asked for when nothing is given.
#[derive(Debug, Clone, Args)]
#[group(multiple = false)]
pub struct PasswordSource {
    /// Read the password from standard input
    #[arg(long)]
    pub password_stdin: bool,
    /// Read the password from a file
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Make up a password and print it, this once
    #[arg(long)]
    pub generate: bool,
}
