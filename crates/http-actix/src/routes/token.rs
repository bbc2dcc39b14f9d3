//! Access tokens.

pub mod verify;
