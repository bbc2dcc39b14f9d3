//! Power cuts on SQLite, at every moment that matters.
//!
//! renewd runs under strace, which tells of every write, sync and answer. From that the
//! files are put together as a cut could have left them: without anything that was not
//! synced, with all of it, or with torn parts of it. Real SQLite opens what is left, and
//! everything that was acknowledged has to be there; a few times renewd itself starts on it.
//! That the same look finds a loss where syncs are not believed shows that it can.
//!
//! `RENEWD_POWER_ROUNDS` says how many times as many requests there are (1 if not set), and
//! `RENEWD_POWER_SEED` which sectors survive. Each line `power loss: …` is a row of the table
//! that `cargo xtask power-loss --write` makes.

mod postgres;
mod recording;
mod remains;
mod verdict;

use std::env;

use e2e::dice::Dice;
use e2e::power::Trace;
use tempfile::TempDir;

use self::recording::Recording;
use self::verdict::{Belief, Verdict};

/// How many sets of remains renewd itself is started on.
const STARTS: usize = 6;

/// I4 S54: and I9 for a changed password.
#[test]
fn what_was_acknowledged_survives_a_power_cut() {
    let directory = TempDir::new().expect("a temporary directory");
    let Some(trace) = Trace::to(&directory.path().join("trace")) else {
        println!("skipped: no strace, or it may not trace here");
        return;
    };
    let number = |name: &str| {
        let told = env::var(name).ok();
        told.map(|told| told.parse::<u64>().expect("a number"))
    };
    let rounds = number("RENEWD_POWER_ROUNDS").unwrap_or(1);
    let seed = number("RENEWD_POWER_SEED").unwrap_or_else(Dice::any_seed);
    println!("RENEWD_POWER_SEED={seed}");
    let mut dice = Dice::new(seed);

    let recording = Recording::make(&trace, usize::try_from(rounds).expect("a few rounds"));
    let verdict = Verdict::of(&recording, Belief::EverySync, &mut dice);
    verdict.tell();
    assert!(
        verdict.losses.is_empty(),
        "lost:\n{}",
        verdict.losses.join("\n")
    );
    for _ in 0..STARTS {
        remains::start_on_some(&recording, &mut dice);
    }
    for belief in Belief::DOUBTS {
        let verdict = Verdict::of(&recording, belief, &mut dice);
        verdict.tell();
        assert!(!verdict.losses.is_empty(), "{belief:?}: nothing is lost");
    }
}
