//! The life of keys: each rule, and what holds whatever nodes do at the same time.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "tests fail by panicking, also in their helpers"
)]

mod model;
mod rules;
mod table;

use std::time::Duration;

use token_core::key::life::KeyLife;
use token_core::time::Timestamp;

/// A point in time, in seconds.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(1_800_000_000 + seconds)
}

/// Keys are published a minute and ten seconds before they sign, and access keys kept 405
/// seconds after.
fn life() -> KeyLife {
    KeyLife {
        access: Some("ES256"),
        refresh: true,
        rotation: Some(Duration::from_secs(1_000)),
        jwks_max_age: Duration::from_mins(1),
        access_lifetime: Duration::from_mins(5),
        session_max_age: Duration::from_secs(10_000),
        refresh_needed_until: None,
    }
}
