//! OAuth for clients that nobody here wrote.

pub mod introspect;
pub mod metadata;
pub mod revoke;
pub mod token;
