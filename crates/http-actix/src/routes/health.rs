//! What operators and orchestrators ask.

pub mod live;
pub mod metrics;
pub mod ready;
