//! `renewctl db …`

use clap::Subcommand;

/// What to do with the database.
#[derive(Debug, Subcommand)]
pub enum DbVerb {
    /// Bring the schema up to date; makes an SQLite database that does not exist yet
    Migrate,
    /// Show the version of the schema and how much is stored
    Status,
}
