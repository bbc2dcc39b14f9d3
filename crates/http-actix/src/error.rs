//! From what a use case says to what the client is told. Every variant of every error is named
//! here: a new one breaks the build until somebody decides what it means outside. Causes are
//! logged, never sent.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod account;
pub mod fields;
pub mod oauth;
pub mod session;
pub mod storage;
