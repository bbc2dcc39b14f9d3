//! What happens around every request, from the outside in. [`crate::app`] puts it in this order:
//!
//! 1. [`trace`]: a request id, a span, one line in the log, a net below all the others;
//! 2. [`headers`]: what locks every answer down;
//! 3. [`cors`]: which pages may read it;
//! 4. [`csrf`]: which pages may make it, where cookies authorize it;
//! 5. [`strays`]: cookies beside the ones that count are expired;
//! 6. [`panics`]: around each resource, so that a panic is a 500 and nothing more.

pub mod cors;
pub mod csrf;
pub mod headers;
pub mod origins;
pub mod panics;
pub mod strays;
pub mod trace;
