//! Deterministic simulation: the real use cases of token-core over the real SQLite storage, with
//! the clock, the randomness and every storage call in the hand of a seed.
//!
//! A seed decides everything: which request goes on next, what fails, which node crashes, how time
//! passes and steps. The same seed makes the same run, so whatever is found can be found again.
//! Where to look:
//! - `world`: the moves of a run; `gate`: the storage ports, each call a point to stop at.
//! - `oracle`: the judge, which remembers what was acknowledged and knows nothing of the code.
//! - [`Defect`]: what a careless implementation would do, each to be caught.

mod clock;
mod control;
mod database;
mod defect;
mod gate;
mod hashing;
mod node;
mod oracle;
mod random;
mod request;
mod runs;
mod sabotage;
mod settings;
mod tally;
mod template;
mod world;

pub use defect::Defect;
pub use runs::{Caught, Found, Summary, hunt, replay, simulate};
pub use tally::Tally;
