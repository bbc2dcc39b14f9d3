//! A session from login to logout.

pub mod login;
pub mod logout;
pub mod logout_all;
pub mod logout_others;
pub mod refresh;
