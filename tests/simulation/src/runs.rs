//! Many seeds: run, counted, and the broken ones kept.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::defect::Defect;
use crate::tally::Tally;
use crate::world::{self, Run};

/// A seed that broke a rule.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which seed.
    pub seed: u64,
    /// Which rule.
    pub rule: String,
    /// How.
    pub what: String,
    /// One line for each step.
    pub trace: Vec<String>,
}

/// What many seeds came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// How often what happened.
    pub tally: Tally,
    /// How many steps there were.
    pub steps: u64,
    /// Broken seeds, the lowest first, a few at the most.
    pub found: Vec<Found>,
}

/// The rule that a run that panics has broken.
const PANIC: &str = "no panic";

/// How many broken seeds are kept with their traces; a run with more of them ends.
const KEPT: usize = 5;

/// Runs one seed and gives its trace, and what it broke.
pub fn replay(seed: u64, defect: Option<Defect>) -> (Vec<String>, Tally, Option<Found>) {
    let run = catch_unwind(AssertUnwindSafe(|| world::run(seed, defect)));
    match run {
        Ok(Run {
            trace,
            tally,
            broken,
        }) => {
            let found = broken.map(|broken| Found {
                seed,
                rule: broken.rule.to_owned(),
                what: broken.what,
                trace: trace.clone(),
            });
            (trace, tally, found)
        }
        Err(_) => {
            let found = Found {
                seed,
                rule: PANIC.to_owned(),
                what: "the code panicked; its message is above".to_owned(),
                trace: Vec::new(),
            };
            (Vec::new(), Tally::default(), Some(found))
        }
    }
}

/// Runs so many seeds from the first on, on so many threads. Seeds know nothing of each other.
pub fn simulate(first: u64, seeds: u64, threads: usize) -> Summary {
    let next = AtomicU64::new(first);
    let summary = Mutex::new(Summary::default());
    let end = first.saturating_add(seeds);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end {
                        return;
                    }
                    let (trace, tally, found) = replay(seed, None);
                    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
                    summary.tally.add(&tally);
                    summary.steps += u64::try_from(trace.len()).unwrap_or(0);
                    summary.found.extend(found);
                    if summary.found.len() >= KEPT {
                        return;
                    }
                }
            });
        }
    });
    let mut summary = summary.into_inner().unwrap_or_else(PoisonError::into_inner);
    summary.found.sort_by_key(|found| found.seed);
    summary
}

/// A defect that was caught.
#[derive(Debug, Clone)]
pub struct Caught {
    /// After how many seeds, this one included.
    pub seeds: u64,
    /// By which rule.
    pub rule: String,
    /// What it said.
    pub what: String,
}

/// Runs seeds with a defect until one is caught, so many at the most.
pub fn hunt(defect: Defect, most: u64) -> Option<Caught> {
    (0..most).find_map(|seed| {
        let (_, _, found) = replay(seed, Some(defect));
        // A panic is the harness's own fault, and catches nothing.
        found
            .filter(|found| found.rule != PANIC)
            .map(|found| Caught {
                seeds: seed + 1,
                rule: found.rule,
                what: found.what,
            })
    })
}
