//! The simulation judged: the same seed is the same run, no seed breaks a rule, every defect is
//! caught.

use simulation::{Defect, hunt, replay, simulate};

/// Within how many seeds each deliberate defect is caught.
const WITHIN: u64 = 1_000;

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..40 {
        let (first, ..) = replay(seed, None);
        let (second, ..) = replay(seed, None);
        assert!(first.len() > 10, "seed {seed} did something");
        assert_eq!(first, second, "seed {seed}");
    }
}

#[test]
fn no_seed_breaks_a_rule() {
    let summary = simulate(0, 100, 1);
    let found: Vec<_> = summary
        .found
        .iter()
        .map(|f| (f.seed, &f.rule, &f.what))
        .collect();
    assert!(found.is_empty(), "{found:?}");
    assert!(summary.tally.of("refresh: rotated") > 100);
}

#[test]
fn every_defect_is_caught() {
    for defect in Defect::ALL {
        let caught = hunt(defect, WITHIN);
        assert!(caught.is_some(), "{} was not caught", defect.name());
    }
}
