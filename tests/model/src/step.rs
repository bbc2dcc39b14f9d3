//! What a step does to the world outside the nodes: time, tabs, the thief, the wire.

use crate::action::{Action, WORK};
use crate::defect::Defect;
use crate::protocol::{Protocol, Seen};
use crate::world::{
    Age, Answer, Ask, Begun, Database, FAR, Message, Node, Party, Stage, Tab, Tracked, World,
};

impl Protocol {
    /// The world before anything happened.
    pub fn beginning(&self) -> World {
        let row = self.bounds.open.then(|| self.opened(0, 0));
        let node = Node {
            up: true,
            knows: [false; 2],
            polled: Some(0),
            cursor: Some(0),
            tracked: Vec::new(),
        };
        World {
            jar: row.as_ref().map(|row| row.token(0)),
            db: Database {
                rows: [row, None],
                password: 0,
                disabled: false,
                reachable: true,
                next_xid: 0,
                worked: 0,
            },
            nodes: vec![node; usize::from(self.bounds.nodes)],
            tabs: vec![Tab::Idle; self.bounds.tabs],
            thief: Vec::new(),
            wire: Vec::new(),
            left: self.bounds.left.clone(),
            broken: None,
        }
    }

    /// Does a step.
    pub fn perform(&self, world: &mut World, action: &Action) {
        match *action {
            Action::Tick => self.tick(world),
            Action::Send { tab, node } => self.send(world, tab, node),
            Action::Serve(message, fault) => {
                world.take(&message);
                if let Some(begun) = self.begin(world, message)
                    && let Some(decided) = self.commit(world, begun, fault)
                {
                    self.release(world, decided);
                }
            }
            Action::Begin(message) => {
                world.take(&message);
                if let Some(begun) = self.begin(world, message) {
                    world.send(begun);
                }
            }
            Action::Commit(message, fault) => {
                world.take(&message);
                if let Some(decided) = self.commit(world, message, fault) {
                    world.send(decided);
                }
            }
            Action::Release(message) => {
                world.take(&message);
                self.release(world, message);
            }
            Action::Finish(message) => {
                world.take(&message);
                self.finish(world, message);
            }
            Action::Deliver(message) => {
                world.take(&message);
                self.deliver(world, message);
            }
            Action::Lose(message) => {
                world.take(&message);
                world.left.losses -= 1;
                self.saw(Seen::Loss);
            }
            Action::Duplicate(message) => {
                world.left.duplicates -= 1;
                world.send(message);
            }
            Action::Steal => {
                world.left.thefts -= 1;
                if let Some(token) = world.jar {
                    world.leak(token);
                }
            }
            Action::Strike { token, node } => {
                self.ask(world, Party::Thief, node, Ask::Refresh(token));
            }
            Action::Crash(node) => self.crash(world, node),
            Action::Start(node) => self.start(world, node),
            Action::Poll(node) => self.poll(world, node),
            Action::Unplug => self.unplug(world),
            Action::Plug => self.plug(world),
            Action::Ask { ask, node } => {
                let left = &mut world.left;
                *match ask {
                    Ask::Logout(_) | Ask::Refresh(_) => &mut left.logouts,
                    Ask::Login(_) => &mut left.logins,
                    Ask::ChangePassword => &mut left.changes,
                    Ask::Disable => &mut left.disables,
                } -= 1;
                self.ask(world, Party::Person, node, ask);
            }
        }
        if world.broken.is_none() {
            self.forget_the_past(world);
        }
    }

    /// What a thief or a person sends is at its node at once: they choose when to send it.
    fn ask(&self, world: &mut World, party: Party, node: u8, ask: Ask) {
        let message = Message {
            party,
            node,
            age: 0,
            stage: Stage::Sent(ask),
        };
        let Some(begun) = self.begin(world, message) else {
            return;
        };
        if self.bounds.steps {
            world.send(begun);
        } else if let Some(decided) = self.commit(world, begun, crate::action::Fault::None) {
            self.release(world, decided);
        }
    }

    fn send(&self, world: &mut World, tab: u8, node: u8) {
        let Some(token) = world.jar else {
            return;
        };
        let state = &mut world.tabs[usize::from(tab)];
        if matches!(state, Tab::Waiting(_)) && self.bounds.delay.is_none() {
            world.left.retries = world.left.retries.saturating_sub(1);
        }
        *state = Tab::Waiting(0);
        if world.nodes[usize::from(node)].up {
            let sent = Stage::Sent(Ask::Refresh(token));
            world.send(Message {
                party: Party::Tab(tab),
                node,
                age: 0,
                stage: sent,
            });
        }
    }

    /// An answer reaches a tab: the browser puts a new cookie into the jar, whatever is in it, and
    /// takes it away after a refusal. After 503 the tab waits and asks again.
    fn deliver(&self, world: &mut World, message: Message) {
        let (Party::Tab(tab), Stage::Reply(answer)) = (message.party, message.stage) else {
            return;
        };
        let sets = |successor| successor || self.has(Defect::CookieOnRepeat);
        match answer {
            Answer::Token(token, successor) if sets(successor) => {
                if world
                    .jar
                    .is_some_and(|held| held.generation > token.generation)
                {
                    self.saw(Seen::Overwritten);
                }
                world.jar = Some(token);
            }
            Answer::Refused => world.jar = None,
            Answer::Token(..) | Answer::Done => {}
            Answer::Unavailable => return,
        }
        world.tabs[usize::from(tab)] = Tab::Idle;
    }

    fn tick(&self, world: &mut World) {
        let caps = Caps::of(self);
        let grow = |age: &mut Age, cap: Age| *age = age.saturating_add(1).min(cap);
        let pass = |left: &mut i8| {
            if *left != FAR {
                *left = (*left - 1).max(-2 - i8::try_from(WORK).unwrap_or(1));
            }
        };
        for row in world.db.rows.iter_mut().flatten() {
            grow(&mut row.rotated, caps.rotated);
            grow(&mut row.ghost.made, caps.rotated);
            pass(&mut row.expires_in);
            pass(&mut row.max_in);
            row.exp.iter_mut().for_each(pass);
            if let Some((age, _)) = &mut row.ended {
                grow(age, caps.ended);
            }
            if let Some(age) = &mut row.ghost.acked_end {
                grow(age, caps.acked);
            }
            if let Some(age) = &mut row.ghost.access {
                grow(age, caps.access);
            }
        }
        let works = world.db.reachable && world.nodes.iter().any(|node| node.up);
        if works || !self.watches_outages() {
            world.db.worked = 0;
        } else {
            grow(&mut world.db.worked, caps.rotated);
        }
        for node in &mut world.nodes {
            if let Some(age) = &mut node.polled {
                grow(age, caps.polled);
            }
            for (event, age) in &mut node.tracked {
                if !matches!(event, Tracked::ReadFailed | Tracked::CommitFailed) {
                    grow(age, Age::MAX);
                }
            }
        }
        for tab in &mut world.tabs {
            if let Tab::Waiting(age) = tab {
                *age = (*age + 1).min(2 * self.bounds.delay.unwrap_or(0));
            }
        }
        for message in &mut world.wire {
            message.age = (message.age + 1).min(self.bounds.delay.unwrap_or(0));
            if let Stage::Begun(begun) | Stage::Decided(begun, ..) | Stage::Unwritten(begun) =
                &mut message.stage
            {
                begun.asked += 1;
            }
        }
        world.wire.sort_unstable();
    }
}

/// When ages stop growing, since nothing depends on them any more.
struct Caps {
    rotated: Age,
    ended: Age,
    acked: Age,
    access: Age,
    polled: Age,
}

impl Caps {
    fn of(model: &Protocol) -> Self {
        let bounds = &model.bounds;
        let beyond_window = bounds.window + WORK + 1;
        let followed = |cap: Age| bounds.access.map_or(0, |_| cap);
        // The revocation set keeps an end for the lifetime of access tokens and 35 s, which is
        // less than four ticks.
        let kept = bounds.access.unwrap_or(0) + 5;
        Self {
            rotated: if model.watches_outages() {
                model.longest_outage() + 2 * beyond_window
            } else {
                beyond_window
            },
            ended: followed(kept),
            acked: followed(bounds.staleness + 1),
            access: bounds.access.unwrap_or(0),
            polled: bounds.staleness + 1,
        }
    }
}

/// A request as a node begins it.
pub const fn begun(ask: Ask, verified: u8, xid: u8) -> Begun {
    Begun {
        ask,
        asked: 0,
        verified,
        xid,
    }
}
