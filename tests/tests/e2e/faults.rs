//! Whatever can happen to PostgreSQL, to the way there and to a node: what was acknowledged
//! is there, nobody is logged out, nothing is promised that did not happen, and all is well
//! again soon and by itself.
//!
//! Each test prints one line, `fault: name | what was done | what was seen | figures`, of
//! which `cargo xtask torture --write` makes the table in `docs/faults.md`. With
//! `RENEWD_TORTURE_ROUNDS` (1 if not set) a fault comes so many times, over a crowd that is
//! three times as large.

/// Instantiates tests of faults, which make their PostgreSQL themselves: `fn(ClusterSetup)`.
macro_rules! faults {
    ($($name:ident),+ $(,)?) => {
        mod postgres {
            $(#[test] fn $name() {
                let _turn = crate::faults::turns::mine();
                match e2e::Cluster::setup() {
                    Some(cluster) => super::$name(cluster),
                    None => println!("skipped: no PostgreSQL"),
                }
            })+
        }
    };
}

mod case;
mod commit;
mod disk;
mod failover;
mod leaks;
mod limits;
mod network;
mod node;
mod process;
mod start;
mod turns;
