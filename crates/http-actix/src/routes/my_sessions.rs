//! The own sessions.

pub mod end;
pub mod list;
