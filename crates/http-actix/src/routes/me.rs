//! The own account.

pub mod change;
pub mod change_password;
pub mod delete;
pub mod show;
