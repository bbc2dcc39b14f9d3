//! `renewctl session …`

use clap::{Args, Subcommand};

/// What to do with logins.
#[derive(Debug, Subcommand)]
pub enum SessionVerb {
    /// List sessions that are live, newest first
    List(ListSessions),
    /// End a session, or all sessions of a user: their tokens are dead at once
    End(EndSession),
}

/// Which sessions to list.
#[derive(Debug, Args)]
pub struct ListSessions {
    /// Only those of this user (name, e-mail address or id)
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Also those that have ended or expired, as long as they are kept
    #[arg(long)]
    pub all: bool,
}

/// Which sessions to end.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct EndSession {
    /// Id of the session
    pub id: Option<String>,
    /// All of this user (name, e-mail address or id)
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
}
