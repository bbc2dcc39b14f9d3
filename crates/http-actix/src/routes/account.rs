//! Accounts, before there is one.

pub mod register;
