//! Published keys.

pub mod list;
