//! Checking: a scenario's states are explored breadth first, so that what is found has the
//! shortest schedule.

use std::fmt::Write;
use std::time::{Duration, Instant};

use stateright::{Checker, Expectation, HasDiscoveries, Model};

use crate::action::Action;
use crate::defect::Defect;
use crate::protocol::Protocol;
use crate::scenario::Scenario;
use crate::world::World;

/// What a check came to.
#[derive(Debug)]
pub struct Report {
    /// How many states there are; fewer where something was found.
    pub states: usize,
    /// The length of the longest schedule that shows a new state.
    pub depth: usize,
    /// How many invariants were held against every state.
    pub invariants: usize,
    /// How many things had to happen, and did.
    pub shown: usize,
    /// What should have happened and never did.
    pub missing: Vec<&'static str>,
    /// What does not hold, and the schedule that shows it.
    pub broken: Option<Broken>,
    /// How long it took.
    pub took: Duration,
}

/// An invariant that does not hold.
#[derive(Debug)]
pub struct Broken {
    /// The property.
    pub property: &'static str,
    /// The schedule, a step a line.
    pub steps: Vec<String>,
}

/// Explores all of a scenario, or until an invariant is broken.
pub fn check(scenario: &Scenario, defect: Option<Defect>) -> Report {
    let start = Instant::now();
    let checker = Protocol::new(scenario, defect)
        .checker()
        .finish_when(HasDiscoveries::AnyFailures)
        .spawn_bfs()
        .join();
    let properties = checker.model().properties();
    let mut found = checker.discoveries();
    let mut broken = Vec::new();
    let mut missing = Vec::new();
    for property in &properties {
        match (&property.expectation, found.remove(property.name)) {
            (Expectation::Sometimes, None) => missing.push(property.name),
            (Expectation::Always, Some(path)) => broken.push(Broken {
                property: property.name,
                steps: told(&path.into_vec()),
            }),
            _ => {}
        }
    }
    let always =
        |property: &&stateright::Property<Protocol>| property.expectation == Expectation::Always;
    let invariants = properties.iter().filter(always).count();
    Report {
        states: checker.unique_state_count(),
        depth: checker.max_depth().saturating_sub(1),
        invariants,
        shown: properties.len() - invariants - missing.len(),
        missing,
        broken: broken.into_iter().min_by_key(|broken| broken.steps.len()),
        took: start.elapsed(),
    }
}

/// A schedule, a step a line, each with what is stored after it.
fn told(path: &[(World, Option<Action>)]) -> Vec<String> {
    let after = path.iter().skip(1).map(|(world, _)| world);
    let steps = path.iter().filter_map(|(_, action)| action.as_ref());
    steps
        .zip(after)
        .map(|(action, world)| format!("{action} | {}", stored(world)))
        .collect()
}

fn stored(world: &World) -> String {
    let mut text = String::new();
    for (slot, row) in (1..).zip(&world.db.rows) {
        let Some(row) = row else { continue };
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "session {slot}: token {} made {} ago",
            row.generation, row.rotated
        );
        if let Some((_, reason)) = row.ended {
            let _ = write!(text, ", ended ({reason})");
        }
        text.push_str("; ");
    }
    match world.jar {
        Some(token) => write!(text, "jar: {token}"),
        None => write!(text, "jar: empty"),
    }
    .ok();
    text
}
