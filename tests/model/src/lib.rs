//! A model of the refresh token protocol, in which every schedule is tried.
//!
//! The decision, the chain, the outage rule, the revocation set and the lifetimes are those of
//! `token-core`, called for every step (`engine`). Storage, the network, browsers, thieves and
//! crashes are the model's own: `database`, `node`, `step`. What must hold is said apart
//! from both in `oracle`; `scenario` says how much of the world is explored, `defect` what
//! the model has to find.

pub mod action;
pub mod check;
mod database;
pub mod defect;
pub mod engine;
mod node;
pub mod oracle;
pub mod protocol;
pub mod scenario;
mod step;
pub mod world;
