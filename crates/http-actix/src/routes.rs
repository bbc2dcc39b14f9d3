//! The endpoints, one a file: `<resource>/<verb>.rs`. [`crate::app`] has the table of their paths.

pub mod account;
pub mod health;
pub mod keys;
pub mod me;
pub mod my_sessions;
pub mod oauth2;
pub mod session;
pub mod token;
pub mod wire;
