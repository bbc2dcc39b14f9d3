//! What the fuzz targets share: fixed keys and times, and the application without its sockets.

pub mod access;
pub mod application;
pub mod refresh;
pub mod request;

/// The issuer of every token here.
pub const ISSUER: &str = "https://id.example";
/// Whom the tokens are for.
pub const AUDIENCE: &str = "https://api.example";
/// The secret that signs access tokens.
pub const SECRET: &str = "Yx3-kQ9vTz1LrP0wNe7uHs5dCj2mBg8a";
/// The time of every verdict that needs none of the present: 2027-01-15T08:00:00Z.
pub const NOW: i64 = 1_800_000_000;
/// How long an access token lives, in seconds.
pub const LIFETIME: i64 = 900;
