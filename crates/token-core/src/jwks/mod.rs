//! The keys of an issuer elsewhere: fetched, kept, looked for again, and never lost to a bad
//! answer.
//!
//! How a document comes over the network is the port [`JwksFetch`]; when it is asked for, and what
//! an answer may do to the keys in use, is decided here. No runtime is named: whoever holds a
//! [`JwksClient`] polls its futures, and calls [`JwksClient::refresh`] whenever
//! [`JwksClient::refresh_due_in`] has passed.

mod client;
mod fetch;

pub use client::{JwksClient, JwksPolicy, NoKeys, RefreshError};
pub use fetch::{FetchError, FetchedJwks, JwksFetch};
