//! Rows as the database has them, and their way into the domain. What no row of renewd's looks
//! like is damage: an error that names the column, never a panic and never a guess.

mod client;
mod key;
mod session;
mod user;

pub(crate) use client::ClientRow;
pub(crate) use key::KeyRow;
pub(crate) use session::SessionRow;
pub(crate) use user::UserRow;

use crate::error::Failure;

/// A list of words as JSON text.
fn to_json(words: impl Iterator<Item = String>) -> String {
    words.collect::<serde_json::Value>().to_string()
}

/// Reads what [`to_json`] wrote.
fn from_json(text: &str, place: &'static str) -> Result<Vec<String>, Failure> {
    serde_json::from_str(text).map_err(|_| Failure::Damaged(place))
}

/// A count, which databases keep signed.
pub(crate) fn to_count(number: u64, place: &'static str) -> Result<i64, Failure> {
    i64::try_from(number).map_err(|_| Failure::Damaged(place))
}

fn from_count(number: i64, place: &'static str) -> Result<u64, Failure> {
    u64::try_from(number).map_err(|_| Failure::Damaged(place))
}
