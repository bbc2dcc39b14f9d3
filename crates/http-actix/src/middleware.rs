//! What happens around every request, from the outside in. [`crate::app`] puts it in this order:
//!
//! 1. [`measure`]: how many there are and how long they take;
//! 2. [`trace`]: a request id, a span, one line in the log, a net below all the others;
//! 3. [`headers`]: what locks every answer down;
//! 4. [`cors`]: which pages may read it;
//! 5. [`csrf`]: which pages may make it, where cookies authorize it;
//! 6. [`strays`]: cookies beside the ones that count are expired;
//! 7. [`panics`]: around each resource, so that a panic is a 500 and nothing more.

pub mod cors;
pub mod csrf;
pub mod headers;
pub mod measure;
pub mod origins;
pub mod panics;
pub mod strays;
pub mod trace;
