//! Why the server does not start or run.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use storage_diesel::OpenError;
use storage_diesel::master_key::MasterKeyFileError;
use token_core::service::StartError;
use token_core::store::StoreError;
use token_core::token::access::InvalidPolicy;

use crate::config::error::ConfigError;
use crate::middleware::origins::InvalidOrigin;

/// Why the server does not start or run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Only seen now that the machine was asked: a mistake in the configuration all the same.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The address is in use, or not one of this machine's.
    #[error("cannot listen on {listen}: {source}")]
    Listen {
        /// The configured address.
        listen: SocketAddr,
        /// Why not.
        source: io::Error,
    },
    /// The directory of the database cannot be made.
    #[error("cannot make the directory {}: {source}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The database cannot be opened.
    #[error("{}", told(.0))]
    Open(#[from] OpenError),
    /// The database was made with a master key that is gone.
    #[error(
        "the master key file {} is missing, but this database was made with it: put it back, or \
         name it in RENEWD_MASTER_KEY_FILE; without it no stored key opens and no password verifies",
        path.display()
    )]
    LostMasterKey {
        /// Where it should be.
        path: PathBuf,
    },
    /// The master key's file cannot be used.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyFileError),
    /// The stored keys do not open, or storage failed.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What tokens are to be verified against makes no sense.
    #[error(transparent)]
    Policy(#[from] InvalidPolicy),
    /// The issuer is no web origin.
    #[error(transparent)]
    Origin(#[from] InvalidOrigin),
    /// The threads that hash passwords, or the server itself, cannot run.
    #[error("cannot serve: {0}")]
    Serve(#[source] io::Error),
}

/// Why a database cannot be opened, and what of this program helps.
fn told(error: &OpenError) -> String {
    match error {
        OpenError::Older { .. } => {
            format!("{error} with `renewctl db migrate`, or start with RENEWD_MIGRATE=true")
        }
        error => error.to_string(),
    }
}
