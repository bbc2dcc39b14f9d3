//! What must hold, in the words of the protocol, judged from what happened and not from how the
//! code came to it.

use std::fmt;

use token_core::policy::ReusePolicy;
use token_core::revocation::Verdict;

use crate::protocol::{Protocol, Seen};
use crate::world::{Age, Database, Ends, Row, Token, World};

/// An invariant of the protocol. The last two are rows of its table of outcomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "their names say what they are")]
pub enum Invariant {
    I1,
    I2,
    I3,
    I4,
    I5,
    I6,
    I7,
    I9,
    Kin,
    Window,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::I1,
        Self::I2,
        Self::I3,
        Self::I4,
        Self::I5,
        Self::I6,
        Self::I7,
        Self::I9,
        Self::Kin,
        Self::Window,
    ];

    /// The name of its property.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I1 => "I1: one token advances a session, one jti a generation",
            Self::I2 => "I2: an honest client keeps its session",
            Self::I3 => "I3: no token works after reuse",
            Self::I4 => "I4: what was acknowledged is committed",
            Self::I5 => "I5: nothing is accepted after an acknowledged end",
            Self::I6 => "I6: nothing lives past the absolute end",
            Self::I7 => "I7: after a fault n recovers n+1",
            Self::I9 => "I9: no session outlives the password it was opened with",
            Self::Kin => "Refresh, 3: only the current token and its parent are answered",
            Self::Window => "Refresh, 3: the window ends where it says, recovery is rare",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A refresh that gave a token, as it is committed.
pub struct Grant<'a> {
    /// What was presented.
    pub presented: Token,
    /// Age of the request's `now`.
    pub asked: Age,
    /// The row before.
    pub before: &'a Row,
    /// What was answered.
    pub answered: Token,
    /// Whether the row advanced.
    pub advanced: bool,
    /// Whether it was a late recovery.
    pub recovered: bool,
    /// Whether an outage was excused.
    pub excused: bool,
}

/// A refresh that gave no token and never will.
#[derive(Clone, Copy)]
pub struct Refused<'a> {
    /// What was presented.
    pub presented: Token,
    /// Age of the request's `now`.
    pub asked: Age,
    /// The row before.
    pub before: &'a Row,
    /// Whether the honest client asked.
    pub honest: bool,
}

impl Protocol {
    /// Judges a refresh that gave a token.
    pub fn judge_grant(&self, world: &mut World, grant: &Grant<'_>) {
        let before = &grant.before;
        let ghost = &before.ghost;
        if ghost.reuse {
            world.breaks(Invariant::I3);
        }
        if ghost.acked_end.is_some() {
            world.breaks(Invariant::I5);
        }
        if before.max_in <= -ticks(grant.asked) {
            world.breaks(Invariant::I6);
        }
        let place = usize::from(grant.answered.generation);
        let told = ghost.answered.get(place).copied().flatten();
        if told.is_some_and(|secret| secret != grant.answered.secret)
            || (grant.advanced && ghost.spent & bit(grant.presented) != 0)
        {
            world.breaks(Invariant::I1);
        }
        if grant.presented.generation + 1 < before.generation {
            world.breaks(Invariant::Kin);
        }
        if !grant.advanced && grant.presented.generation + 1 == before.generation {
            self.judge_replay(world, grant);
        }
        let slot = grant.presented.slot;
        let Some(row) = world.row_mut(slot) else {
            return;
        };
        if let Some(answered) = row.ghost.answered.get_mut(place) {
            *answered = Some(grant.answered.secret);
        }
        if grant.advanced {
            row.ghost.spent |= bit(grant.presented);
            row.ghost.made = grant.asked;
        }
        if grant.recovered {
            row.ghost.recovered = Some(grant.answered.generation);
        }
        let beyond = row.expires_in > row.max_in;
        let row = row.clone();
        if beyond || self.access_end(slot, &row, grant.asked) > row.max_in {
            world.breaks(Invariant::I6);
        }
    }

    /// The parent was answered: in the window, or after it where the policy forgives that once.
    fn judge_replay(&self, world: &mut World, grant: &Grant<'_>) {
        let ghost = &grant.before.ghost;
        let in_window = grant.asked.abs_diff(ghost.made) <= self.bounds.window;
        let again = ghost
            .recovered
            .is_some_and(|last| last != grant.before.generation);
        let forgiven = self.bounds.reuse == ReusePolicy::Recover && grant.recovered && !again;
        if !(in_window || grant.excused || forgiven) {
            world.breaks(Invariant::Window);
        }
    }

    /// Judges a refresh that gave no token and never will.
    pub fn judge_refusal(&self, world: &mut World, refused: &Refused<'_>) {
        let Refused {
            presented,
            asked,
            before,
            honest,
        } = *refused;
        let place = usize::from(presented.generation);
        // A token's own end is no fault, nor is that of its session.
        let ends = [before.max_in, before.expires_in, before.exp[place]];
        if ends.iter().any(|end| *end <= -ticks(asked)) {
            return;
        }
        let genuine = before.ghost.answered[place] == Some(presented.secret);
        let is_current = presented.generation == before.generation;
        let is_parent = presented.generation + 1 == before.generation
            && before.ghost.made.abs_diff(asked) <= self.bounds.window;
        let is_live = before.ended.is_none() && !world.db.disabled;
        if self.bounds.honest && honest {
            world.breaks(Invariant::I2);
        } else if self.bounds.window > 0 && genuine && is_live && (is_current || is_parent) {
            world.breaks(Invariant::I7);
        }
    }

    /// Judges a state.
    pub fn judge(&self, world: &mut World) {
        for slot in 0..2 {
            let Some(row) = world.row(slot).cloned() else {
                continue;
            };
            let ghost = &row.ghost;
            if ghost.acked_generation > row.generation
                || (ghost.acked_end.is_some() && row.ended.is_none())
            {
                world.breaks(Invariant::I4);
            }
            if Self::outlives(&world.db, &row) {
                world.breaks(Invariant::I9);
            }
            if self.accepts_ended(world, slot, &row) {
                world.breaks(Invariant::I5);
            }
        }
    }

    fn outlives(db: &Database, row: &Row) -> bool {
        row.ended.is_none() && (row.ghost.password != db.password || db.disabled)
    }

    /// Whether a node accepts an access token of a session of whose end somebody was told: at that
    /// node at once, elsewhere by the bound.
    fn accepts_ended(&self, world: &World, slot: u8, row: &Row) -> bool {
        let (Some(since), Some(lifetime)) = (row.ghost.acked_end, self.bounds.access) else {
            return false;
        };
        let alive = row.ghost.access.is_some_and(|age| age < lifetime);
        let mut nodes = world.nodes.iter().zip(row.ghost.acked_by);
        alive
            && nodes.any(|(node, here)| {
                let due = here || since > self.bounds.staleness;
                let verdict = || self.engine.verdict(node, slot, row);
                if node.up && due && verdict() == Verdict::Unknown {
                    self.saw(Seen::Stale);
                }
                node.up && due && verdict() == Verdict::NotEnded
            })
    }

    /// Remembers that somebody was told of these ends by that node.
    pub fn acknowledge(&self, world: &mut World, node: u8, ends: Ends) {
        for (slot, told) in (0..).zip(ends) {
            if let Some(row) = world.row_mut(slot).filter(|_| told) {
                row.ghost.acked_end.get_or_insert(0);
                row.ghost.acked_by[usize::from(node)] = true;
            }
        }
    }
}

/// An age as ticks from now.
pub fn ticks(age: Age) -> i8 {
    i8::try_from(age).unwrap_or(i8::MAX)
}

fn bit(token: Token) -> u64 {
    1 << token.secret
}
