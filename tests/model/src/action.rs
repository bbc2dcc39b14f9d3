//! What can happen next, and in which words a schedule is told.

use std::fmt;

use crate::defect::Defect;
use crate::protocol::Protocol;
use crate::world::{Answer, Ask, Message, Node, Party, Stage, Tab, Token, World};

/// How long a node may work on a request, in ticks; then storage has given up.
pub const WORK: u8 = 1;

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they tell themselves what they are")]
pub enum Action {
    Tick,
    Send { tab: u8, node: u8 },
    Serve(Message, Fault),
    Begin(Message),
    Commit(Message, Fault),
    Release(Message),
    Finish(Message),
    Deliver(Message),
    Lose(Message),
    Duplicate(Message),
    Steal,
    Strike { token: Token, node: u8 },
    Crash(u8),
    Start(u8),
    Poll(u8),
    Unplug,
    Plug,
    Ask { ask: Ask, node: u8 },
}

/// What becomes of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It succeeds.
    None,
    /// It fails, and nothing is written.
    Lost,
    /// It is written, and its word is lost.
    Unknown,
    /// The first of two transactions is written: only a defect has two.
    Half,
}

impl Protocol {
    /// Everything that can happen.
    pub fn possible(&self, world: &World, actions: &mut Vec<Action>) {
        if self.may_tick(world) {
            actions.push(Action::Tick);
        }
        self.tabs_act(world, actions);
        self.people_act(world, actions);
        self.on_the_wire(world, actions);
        self.to_nodes(world, actions);
    }

    /// Time passes, unless somebody would be later than they can be.
    fn may_tick(&self, world: &World) -> bool {
        let in_time = |message: &Message| {
            let arrives = self.bounds.delay.is_none_or(|delay| message.age < delay);
            let works = match message.stage {
                Stage::Begun(begun) | Stage::Decided(begun, ..) | Stage::Unwritten(begun) => {
                    begun.asked < WORK
                }
                Stage::HalfDone(_) | Stage::Unfilled(_) | Stage::Sent(_) | Stage::Reply(_) => true,
            };
            arrives && works
        };
        let patient = |tab: &Tab| match (tab, self.bounds.delay) {
            (Tab::Waiting(age), Some(delay)) => *age < 2 * delay,
            _ => true,
        };
        let longest = self.longest_outage();
        let fails = |node: &Node| node.failing().is_some_and(|(_, since)| since >= longest);
        let stalled =
            self.watches_outages() && (world.db.worked >= longest || world.nodes.iter().any(fails));
        world.wire.iter().all(in_time) && world.tabs.iter().all(patient) && !stalled
    }

    fn tabs_act(&self, world: &World, actions: &mut Vec<Action>) {
        if world.jar.is_none() {
            return;
        }
        for (tab, state) in (0..).zip(&world.tabs) {
            let waits = |message: &Message| message.party == Party::Tab(tab);
            let may = match (state, self.bounds.delay) {
                (Tab::Idle, _) => true,
                (Tab::Waiting(age), Some(delay)) => {
                    *age == 2 * delay && !world.wire.iter().any(waits)
                }
                (Tab::Waiting(_), None) => world.left.retries > 0 || !world.wire.iter().any(waits),
            };
            // Nobody gains by asking a node that is down while another is up.
            let any_up = world.nodes.iter().any(|node| node.up);
            for (node, state) in (0..).zip(&world.nodes) {
                if may && (state.up || (!any_up && node == 0)) {
                    actions.push(Action::Send { tab, node });
                }
            }
        }
    }

    fn people_act(&self, world: &World, actions: &mut Vec<Action>) {
        let left = &world.left;
        if left.thefts > 0 && world.jar.is_some_and(|token| !world.thief.contains(&token)) {
            actions.push(Action::Steal);
        }
        let busy = world
            .wire
            .iter()
            .any(|message| message.party == Party::Thief);
        for (node, _) in (0..).zip(&world.nodes).filter(|(_, node)| node.up) {
            if !busy {
                let strikes = world.thief.iter().map(|token| Action::Strike {
                    token: *token,
                    node,
                });
                actions.extend(strikes);
            }
            let free = (0..2).find(|slot| {
                let opens = |m: &Message| m.ask() == Some(Ask::Login(*slot));
                world.row(*slot).is_none() && !world.wire.iter().any(opens)
            });
            // Nodes are alike, so the first logout may as well go to the first.
            let unlike = node == 0 || left.logouts < self.bounds.left.logouts;
            let asks = [
                (
                    left.logouts > 0 && unlike && world.row(0).is_some(),
                    Some(Ask::Logout(0)),
                ),
                (left.logins > 0, free.map(Ask::Login)),
                (left.changes > 0, Some(Ask::ChangePassword)),
                (left.disables > 0 && !world.db.disabled, Some(Ask::Disable)),
            ];
            for (may, ask) in asks {
                if let Some(ask) = ask.filter(|_| may) {
                    actions.push(Action::Ask { ask, node });
                }
            }
        }
    }

    fn on_the_wire(&self, world: &World, actions: &mut Vec<Action>) {
        let mut last = None;
        for message in &world.wire {
            if last.replace(*message) == Some(*message) {
                continue;
            }
            let message = *message;
            let faults = self.faults(world, &message);
            match message.stage {
                Stage::Sent(_) => {
                    if self.bounds.steps {
                        actions.push(Action::Begin(message));
                    } else {
                        actions.extend(faults.map(|fault| Action::Serve(message, fault)));
                    }
                    Self::loss(world, message, actions);
                    if world.left.duplicates > 0 {
                        actions.push(Action::Duplicate(message));
                    }
                }
                Stage::Begun(_) => {
                    actions.extend(faults.map(|fault| Action::Commit(message, fault)));
                }
                Stage::Decided(..) => actions.push(Action::Release(message)),
                Stage::Unwritten(_) | Stage::Unfilled(_) | Stage::HalfDone(_) => {
                    actions.push(Action::Finish(message));
                }
                Stage::Reply(_) => {
                    actions.push(Action::Deliver(message));
                    Self::loss(world, message, actions);
                }
            }
        }
    }

    fn loss(world: &World, message: Message, actions: &mut Vec<Action>) {
        // What a thief loses, nobody misses.
        if world.left.losses > 0 && matches!(message.party, Party::Tab(_)) {
            actions.push(Action::Lose(message));
        }
    }

    fn faults(&self, world: &World, message: &Message) -> impl Iterator<Item = Fault> + use<> {
        let may = world.left.faults > 0 && message.party != Party::Thief;
        let half = may && self.has(Defect::HalfWrite);
        [
            (true, Fault::None),
            (may, Fault::Lost),
            (may, Fault::Unknown),
            (half, Fault::Half),
        ]
        .into_iter()
        .filter_map(|(may, fault)| may.then_some(fault))
    }

    fn to_nodes(&self, world: &World, actions: &mut Vec<Action>) {
        for (place, node) in (0..).zip(&world.nodes) {
            if !node.up {
                actions.push(Action::Start(place));
                continue;
            }
            if world.left.crashes > 0 && self.may_swallow(world, place) {
                actions.push(Action::Crash(place));
            }
            if self.bounds.access.is_some() && world.db.reachable && self.bounds.nodes > 1 {
                actions.push(Action::Poll(place));
            }
        }
        if !world.db.reachable {
            actions.push(Action::Plug);
        } else if world.left.outages > 0 {
            actions.push(Action::Unplug);
        }
    }
}

impl Message {
    /// What is asked for, until it is answered.
    pub const fn ask(&self) -> Option<Ask> {
        match self.stage {
            Stage::Sent(ask) => Some(ask),
            Stage::Begun(begun)
            | Stage::Decided(begun, ..)
            | Stage::Unwritten(begun)
            | Stage::HalfDone(begun) => Some(begun.ask),
            Stage::Unfilled(_) | Stage::Reply(_) => None,
        }
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "token {} (jti {})", self.generation, self.secret)
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tab(tab) => write!(f, "tab {}", tab + 1),
            Self::Thief => f.write_str("the thief"),
            Self::Person => f.write_str("somebody"),
        }
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refresh(token) => write!(f, "refresh of {token}"),
            Self::Logout(slot) => write!(f, "logout of session {}", slot + 1),
            Self::Login(slot) => write!(f, "login that opens session {}", slot + 1),
            Self::ChangePassword => f.write_str("password change"),
            Self::Disable => f.write_str("disabling of the user"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(token, true) => write!(f, "{token}"),
            Self::Token(token, false) => write!(f, "the same {token}"),
            Self::Refused => f.write_str("401"),
            Self::Done => f.write_str("done"),
            Self::Unavailable => f.write_str("503"),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            party, node, stage, ..
        } = self;
        let node = node + 1;
        match stage {
            Stage::Sent(ask) => write!(f, "the {ask} that {party} sent to node {node}"),
            Stage::Begun(begun) => write!(f, "the {} of {party} at node {node}", begun.ask),
            Stage::Decided(begun, answer, _) => {
                write!(
                    f,
                    "the answer to the {} of {party} at node {node}: {answer}",
                    begun.ask
                )
            }
            Stage::Unwritten(begun) => write!(f, "the write of the {} of {party}", begun.ask),
            Stage::Unfilled(_) => write!(f, "the revocation set of node {node}"),
            Stage::HalfDone(begun) => write!(f, "the other half of the {}", begun.ask),
            Stage::Reply(answer) => write!(f, "the answer to {party}: {answer}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "is committed",
            Self::Lost => "fails to commit, and nothing is written",
            Self::Unknown => "is committed, and storage says that it failed",
            Self::Half => "is committed by half, and storage says that it failed",
        })
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tick => f.write_str("a tick passes"),
            Self::Send { tab, node } => {
                write!(
                    f,
                    "tab {} sends the jar's token to node {}",
                    tab + 1,
                    node + 1
                )
            }
            Self::Serve(message, Fault::None) => write!(f, "{message} is served"),
            Self::Serve(message, fault) | Self::Commit(message, fault) => {
                write!(f, "{message} {fault}")
            }
            Self::Begin(message) => write!(f, "{message} arrives, and `now` is taken"),
            Self::Release(message) => write!(f, "{message} is released"),
            Self::Finish(message) => write!(f, "{message} comes only now"),
            Self::Deliver(message) => write!(f, "{message} arrives"),
            Self::Lose(message) => write!(f, "{message} is lost"),
            Self::Duplicate(message) => write!(f, "{message} is doubled"),
            Self::Steal => f.write_str("the thief copies the jar's token"),
            Self::Strike { token, node } => {
                write!(f, "the thief presents {token} to node {}", node + 1)
            }
            Self::Crash(node) => write!(f, "node {} crashes", node + 1),
            Self::Start(node) => write!(f, "node {} starts", node + 1),
            Self::Poll(node) => write!(f, "node {} polls the feed", node + 1),
            Self::Unplug => f.write_str("the database is out of reach"),
            Self::Plug => f.write_str("the database is in reach again"),
            Self::Ask { ask, node } => write!(f, "somebody asks node {}: {ask}", node + 1),
        }
    }
}
