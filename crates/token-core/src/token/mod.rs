//! Tokens: minting, verifying, and what a refresh token means when it comes back.

pub mod access;
pub mod chain;
pub mod introspection;
pub mod jws;
pub mod profile;
pub mod refresh;
pub mod rotation;
pub mod subject;
