//! `renewctl client …`

use clap::{Args, Subcommand};

/// What to do with programs that have a name and a secret of their own.
#[derive(Debug, Subcommand)]
pub enum ClientVerb {
    /// Register a client; its secret is shown this once
    Create(CreateClient),
    /// List all clients
    List,
    /// Delete a client: its sessions end, its own and those of users
    Delete(ClientRef),
}

/// The client to register.
#[derive(Debug, Args)]
pub struct CreateClient {
    /// What to call it; need not be unique
    #[arg(long)]
    pub name: String,
    /// A scope that its tokens may have; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
}

/// Which client.
#[derive(Debug, Args)]
pub struct ClientRef {
    /// Id of the client
    #[arg(value_name = "ID")]
    pub id: String,
}
