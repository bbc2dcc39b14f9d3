//! The model: a scenario, the real code, and perhaps a defect.

use std::sync::atomic::{AtomicU32, Ordering};

use stateright::{Model, Property};

use crate::action::Action;
use crate::defect::Defect;
use crate::engine::Engine;
use crate::oracle::Invariant;
use crate::scenario::{Bounds, Scenario};
use crate::world::World;

/// The model that is checked.
pub struct Protocol {
    /// How much of the world there is.
    pub bounds: Bounds,
    /// What is wrong with it.
    pub defect: Option<Defect>,
    /// The real code.
    pub engine: Engine,
    shows: &'static [Seen],
    /// What has happened so far, anywhere: kept beside the states, which it would only multiply.
    seen: AtomicU32,
}

macro_rules! seen {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// Something that must happen somewhere, or a scenario would show nothing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Seen {
            $($(#[$doc])* $name,)*
        }

        impl Seen {
            fn property(self) -> Property<Protocol> {
                match self {
                    $(Self::$name => {
                        Property::sometimes($text, |model: &Protocol, _| model.has_seen(Self::$name))
                    })*
                }
            }
        }
    };
}

seen! {
    /// See its name.
    Replay = "a parent got the same successor again",
    /// See its name.
    Repeat = "a current token was answered with itself",
    /// See its name.
    Recovery = "a parent was recovered late",
    /// See its name.
    Reuse = "a reuse was detected",
    /// See its name.
    Revoked = "a token of an ended session was refused",
    /// See its name.
    Expired = "a token was refused for its age",
    /// See its name.
    Excused = "an outage excused a late parent",
    /// See its name.
    Unreachable = "a request met a database out of reach",
    /// See its name.
    Loss = "a message was lost",
    /// See its name.
    Overwritten = "an answer put an older token back into the jar",
    /// See its name.
    Cut = "a crash cut a committed request off from its answer",
    /// See its name.
    Fault = "a commit was written and reported as failed",
    /// See its name.
    Fed = "a poll brought an end that another node committed",
    /// See its name.
    Stale = "a revocation set was too old to vouch for anything",
    /// See its name.
    LoginRefused = "a login was refused for what changed while it ran",
    /// See its name.
    EndedByChange = "a password change ended a session",
    /// See its name.
    Clipped = "an access token was clipped to the absolute end",
}

impl Protocol {
    /// The model of a scenario.
    pub fn new(scenario: &Scenario, defect: Option<Defect>) -> Self {
        let mut bounds = scenario.bounds.clone();
        if defect == Some(Defect::SevenDelays) {
            bounds.window = 7;
        }
        Self {
            engine: Engine::new(&bounds, defect),
            bounds,
            defect,
            shows: scenario.shows,
            seen: AtomicU32::new(0),
        }
    }

    /// Whether it has this defect.
    pub fn has(&self, defect: Defect) -> bool {
        self.defect == Some(defect)
    }

    /// Notes that something happened.
    pub fn saw(&self, seen: Seen) {
        self.seen.fetch_or(1 << seen as u32, Ordering::Relaxed);
    }

    fn has_seen(&self, seen: Seen) -> bool {
        self.seen.load(Ordering::Relaxed) & (1 << seen as u32) != 0
    }
}

fn holds(invariant: Invariant) -> Property<Protocol> {
    macro_rules! property {
        ($($name:ident),*) => {
            match invariant {
                $(Invariant::$name => Property::always(invariant.name(), |_, world: &World| {
                    world.broken != Some(Invariant::$name)
                }),)*
            }
        };
    }
    property!(I1, I2, I3, I4, I5, I6, I7, I9, Kin, Window)
}

impl Model for Protocol {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![self.beginning()]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        if world.broken.is_none() {
            self.possible(world, actions);
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut next = world.clone();
        self.perform(&mut next, &action);
        self.judge(&mut next);
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let always = Invariant::ALL.into_iter().map(holds);
        always
            .chain(self.shows.iter().map(|seen| seen.property()))
            .collect()
    }

    fn within_boundary(&self, world: &World) -> bool {
        let rows = world.db.rows.iter().flatten();
        rows.into_iter()
            .all(|row| row.generation <= self.bounds.rotations)
    }
}
