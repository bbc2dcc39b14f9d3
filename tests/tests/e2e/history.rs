//! kill -9 at random moments, again and again: of the server, of one or both of two nodes,
//! of PostgreSQL, of everything. A crowd goes on meanwhile, everything that it asks and is
//! told is recorded, and [`e2e::history`] says whether that may be.
//!
//! `RENEWD_HISTORY_CYCLES` says how many kills there are for each setup (10 if not set), and
//! `RENEWD_HISTORY_SEED` when and what they hit: it is printed. Each test prints one line,
//! `history: setup | …`, of which `cargo xtask history --write` makes a table.

mod figures;
mod integrity;
mod life;
mod seeded;
mod setup;

use std::env;

use self::figures::Figures;
use self::life::Life;
use self::setup::Setting;
use e2e::dice::Dice;

/// So many kills later everything begins anew, on an empty database.
const LIFE: usize = 25;

mod sqlite {
    /// I1 I2 I3 I4 I5 I7 I9 S54 S59.
    #[test]
    fn killed_again_and_again() {
        super::killed_again_and_again(super::Setting::Sqlite);
    }
}

mod postgres {
    use super::Setting;

    /// I1 I2 I3 I4 I5 I7 I9 S54 S59.
    #[test]
    fn killed_again_and_again() {
        told(Setting::OneNode);
    }

    /// I1 I2 I3 I4 I5 I7 I9 S54 S59.
    #[test]
    fn two_nodes_killed_again_and_again() {
        told(Setting::TwoNodes);
    }

    fn told(setting: Setting) {
        if e2e::Cluster::setup().is_some() {
            super::killed_again_and_again(setting);
        } else {
            println!("skipped: no PostgreSQL");
        }
    }
}

fn killed_again_and_again(setting: Setting) {
    let number = |name: &str| {
        let told = env::var(name).ok();
        told.map(|told| told.parse::<u64>().expect("a number"))
    };
    let cycles = number("RENEWD_HISTORY_CYCLES").unwrap_or(10);
    let mut left = usize::try_from(cycles).expect("a number of cycles");
    let seed = number("RENEWD_HISTORY_SEED").unwrap_or_else(Dice::any_seed);
    println!("{}: RENEWD_HISTORY_SEED={seed}", setting.name());
    let mut dice = Dice::new(seed ^ setting as u64);
    let mut figures = Figures::default();
    while left > 0 {
        let cycles = left.min(LIFE);
        Life::begin(setting).live(cycles, &mut dice, &mut figures);
        left -= cycles;
    }
    figures.check_starts();
    println!("history: {} | {figures}", setting.name());
}
