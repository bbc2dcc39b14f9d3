//! The feed of ended sessions.

mod events;
pub mod follow;
