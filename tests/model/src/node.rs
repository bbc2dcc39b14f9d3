//! What a node does: takes `now`, has storage commit, fills its revocation set, answers; crashes
//! and starts; follows the feed of ended sessions and its own outages.

use token_core::session::EndReason;

use crate::action::{Fault, WORK};
use crate::defect::Defect;
use crate::engine::age_of;
use crate::protocol::{Protocol, Seen};
use crate::step::begun;
use crate::world::{Age, Answer, Ask, Begun, Ends, Message, Node, Party, Stage, Tracked, World};

impl Protocol {
    /// A request arrives.
    pub fn begin(&self, world: &mut World, message: Message) -> Option<Message> {
        let Stage::Sent(ask) = message.stage else {
            return None;
        };
        let follows = self.bounds.access.is_some();
        let xid = world.db.next_xid;
        let verified = match ask {
            Ask::Login(_) | Ask::ChangePassword => world.db.password,
            Ask::Refresh(token) if self.has(Defect::ReadThenWrite) => {
                u8::from(world.row(token.slot).is_some_and(|row| row.ended.is_none()))
            }
            Ask::Refresh(_) | Ask::Disable => 0,
            // The transaction of an end has its number from its first write on.
            Ask::Logout(_) => {
                world.db.next_xid += u8::from(follows);
                0
            }
        };
        let begun = begun(ask, verified, if follows { xid } else { 0 });
        let ends_first = self.has(Defect::SessionsEndedFirst);
        if matches!(ask, Ask::ChangePassword | Ask::Disable) && ends_first {
            self.end_all(&mut world.db, EndReason::PasswordChanged, begun);
            return Some(Message {
                stage: Stage::HalfDone(begun),
                ..message
            });
        }
        Some(Message {
            stage: Stage::Begun(begun),
            ..message
        })
    }

    /// Storage commits, or does not.
    pub fn commit(&self, world: &mut World, message: Message, fault: Fault) -> Option<Message> {
        let Stage::Begun(begun) = message.stage else {
            return None;
        };
        let decided = |answer, ends| {
            Some(Message {
                stage: Stage::Decided(begun, answer, ends),
                ..message
            })
        };
        if !world.db.reachable {
            self.saw(Seen::Unreachable);
            self.track(world, message.node, Tracked::CommitFailed);
            return decided(Answer::Unavailable, Ends::default());
        }
        if fault != Fault::None {
            world.left.faults -= 1;
            self.fail(world, message, begun, fault);
            let swallowed =
                self.has(Defect::LogoutSwallowsError) && matches!(begun.ask, Ask::Logout(_));
            return if swallowed {
                decided(Answer::Done, [true, false])
            } else {
                decided(Answer::Unavailable, Ends::default())
            };
        }
        if self.has(Defect::AnswerBeforeCommit) && matches!(begun.ask, Ask::Refresh(_)) {
            let mut foreseen = world.clone();
            let (answer, _) = self.transact(&mut foreseen, message, begun);
            Self::reply(world, message, begun, answer);
            world.send(Message {
                stage: Stage::Unwritten(begun),
                ..message
            });
            return None;
        }
        let (answer, ends) = self.transact(world, message, begun);
        if matches!(begun.ask, Ask::Refresh(_)) {
            self.track(world, message.node, Tracked::Committed);
        }
        decided(answer, ends)
    }

    /// A commit fails, or its word is lost.
    fn fail(&self, world: &mut World, message: Message, begun: Begun, fault: Fault) {
        match (fault, begun.ask) {
            (Fault::Unknown, _) => {
                self.saw(Seen::Fault);
                self.transact(world, message, begun);
            }
            (Fault::Half, Ask::Refresh(token)) => {
                let row = world.row_mut(token.slot);
                if let Some(row) = row.filter(|row| row.generation == token.generation) {
                    row.generation += 1;
                    row.rotated = begun.asked;
                }
            }
            _ => {}
        }
        self.track(world, message.node, Tracked::CommitFailed);
    }

    /// One transaction.
    fn transact(&self, world: &mut World, message: Message, begun: Begun) -> (Answer, Ends) {
        match begun.ask {
            Ask::Refresh(token) => {
                let node = &world.nodes[usize::from(message.node)];
                let mut outages = self.engine.outages(node, begun.asked);
                if self.has(Defect::OutageCounted) {
                    outages.clear();
                }
                let honest = matches!(message.party, Party::Tab(_));
                self.refresh(world, token, begun, outages, honest)
            }
            Ask::Logout(slot) => {
                let found = self.end(&mut world.db, slot, EndReason::Logout, begun);
                let mut ends = Ends::default();
                ends[usize::from(slot)] = found;
                (Answer::Done, ends)
            }
            Ask::Login(slot) => {
                let opened = self.open(&mut world.db, slot, begun.verified);
                if opened && slot == 0 && world.jar.is_none() {
                    world.jar = world.row(slot).map(|row| row.token(slot));
                }
                let answer = if opened {
                    Answer::Done
                } else {
                    Answer::Refused
                };
                (answer, Ends::default())
            }
            // Whoever else changes the row of the user waits until this is committed.
            Ask::ChangePassword if world.db.password != begun.verified => {
                (Answer::Refused, Ends::default())
            }
            Ask::ChangePassword => {
                world.db.password += 1;
                self.end_users_sessions(world, EndReason::PasswordChanged, begun)
            }
            Ask::Disable => {
                world.db.disabled = true;
                self.end_users_sessions(world, EndReason::UserDisabled, begun)
            }
        }
    }

    fn end_users_sessions(
        &self,
        world: &mut World,
        reason: EndReason,
        begun: Begun,
    ) -> (Answer, Ends) {
        if self.has(Defect::SessionsEndedFirst) {
            return (Answer::Done, Ends::default());
        }
        (Answer::Done, self.end_all(&mut world.db, reason, begun))
    }

    /// The answer goes out, after the revocation set knows what it speaks of.
    pub fn release(&self, world: &mut World, message: Message) {
        let Stage::Decided(begun, answer, ends) = message.stage else {
            return;
        };
        if self.has(Defect::SetFilledLate) && ends != Ends::default() {
            world.send(Message {
                party: Party::Person,
                age: 0,
                stage: Stage::Unfilled(ends),
                ..message
            });
        } else {
            self.fill(world, message.node, ends);
        }
        self.acknowledge(world, message.node, ends);
        Self::reply(world, message, begun, answer);
    }

    fn reply(world: &mut World, message: Message, begun: Begun, answer: Answer) {
        if let Answer::Token(token, _) = answer
            && let Some(row) = world.row_mut(token.slot)
        {
            let ghost = &mut row.ghost;
            ghost.acked_generation = ghost.acked_generation.max(token.generation);
            if let Some(access) = &mut ghost.access {
                *access = begun.asked.min(*access);
            }
        }
        match (message.party, answer) {
            (Party::Tab(_), _) => {
                world.send(Message {
                    age: 0,
                    stage: Stage::Reply(answer),
                    ..message
                });
            }
            (Party::Thief, Answer::Token(token, _)) => world.leak(token),
            (Party::Thief | Party::Person, _) => {}
        }
    }

    /// What a defect put off.
    pub fn finish(&self, world: &mut World, message: Message) {
        match message.stage {
            Stage::Unwritten(begun) | Stage::HalfDone(begun) => {
                self.transact(world, message, begun);
            }
            Stage::Unfilled(ends) => self.fill(world, message.node, ends),
            Stage::Sent(_) | Stage::Begun(_) | Stage::Decided(..) | Stage::Reply(_) => {}
        }
    }

    fn fill(&self, world: &mut World, node: u8, ends: Ends) {
        if self.bounds.access.is_none() {
            return;
        }
        let node = &mut world.nodes[usize::from(node)];
        for (knows, ended) in node.knows.iter_mut().zip(ends) {
            *knows |= ended;
        }
    }

    /// Whether a crash there loses no more messages than may be lost. A message that goes down with
    /// a node is one that an honest client lost.
    pub fn may_swallow(&self, world: &World, place: u8) -> bool {
        !self.bounds.honest || swallowed(world, place).count() <= usize::from(world.left.losses)
    }

    /// Everything in the process is gone, and what it worked on.
    pub fn crash(&self, world: &mut World, place: u8) {
        world.left.crashes -= 1;
        for message in swallowed(world, place) {
            if matches!(message.stage, Stage::Decided(..)) {
                self.saw(Seen::Cut);
            }
        }
        if self.bounds.honest {
            let lost = u8::try_from(swallowed(world, place).count()).unwrap_or(u8::MAX);
            world.left.losses = world.left.losses.saturating_sub(lost);
        }
        world.wire.retain(|message| !goes_down(message, place));
        let node = &mut world.nodes[usize::from(place)];
        node.up = false;
        node.knows = Ends::default();
        node.polled = None;
        node.cursor = None;
        node.tracked.clear();
    }

    /// A process starts. It vouches for nothing before its first poll.
    pub fn start(&self, world: &mut World, place: u8) {
        let newest = world.row(0).map_or(0, |row| row.rotated);
        let before = if self.bounds.busy {
            world.db.worked
        } else {
            newest
        };
        let next_xid = world.db.next_xid;
        let node = &mut world.nodes[usize::from(place)];
        node.up = true;
        if self.watches_outages() {
            node.tracked = vec![(Tracked::Start(before), 0)];
            if !world.db.reachable {
                node.tracked
                    .extend([(Tracked::Read, 0), (Tracked::ReadFailed, 0)]);
            }
        }
        if self.has(Defect::SetLostOnRestart) {
            node.polled = Some(0);
            node.cursor = Some(next_xid);
        }
    }

    /// Reads what ended since the transactions that were running at the last poll, and merges it:
    /// `storage-diesel`'s `postgres_page`, and `Service::poll_ended_sessions`.
    pub fn poll(&self, world: &mut World, place: u8) {
        let running = world.wire.iter().filter_map(|message| match message.stage {
            Stage::Begun(begun) if matches!(begun.ask, Ask::Logout(_)) => Some(begun.xid),
            _ => None,
        });
        let oldest = running.min().unwrap_or(world.db.next_xid);
        let rows = &world.db.rows;
        let node = &mut world.nodes[usize::from(place)];
        for (knows, row) in node.knows.iter_mut().zip(rows) {
            let Some((row, (age, _))) = row.as_ref().and_then(|row| Some((row, row.ended?))) else {
                continue;
            };
            let is_news = match (node.cursor, node.polled) {
                (Some(_), Some(polled)) if self.has(Defect::PollByTime) => age < polled,
                (Some(cursor), _) => row.ended_xid >= cursor,
                (None, _) => true,
            };
            if is_news && !*knows {
                self.saw(Seen::Fed);
                *knows = true;
            }
        }
        node.cursor = Some(oldest);
        node.polled = Some(0);
    }

    /// The database is out of reach: the next poll of every node fails, within a tenth of a second.
    pub fn unplug(&self, world: &mut World) {
        world.left.outages -= 1;
        world.db.reachable = false;
        for place in 0..self.bounds.nodes {
            self.track(world, place, Tracked::ReadFailed);
        }
    }

    /// The database is back, and the polls succeed; so do the commits of others, if there are any.
    pub fn plug(&self, world: &mut World) {
        world.db.reachable = true;
        for place in 0..self.bounds.nodes {
            let event = if self.bounds.busy {
                Tracked::Committed
            } else {
                Tracked::Read
            };
            self.track(world, place, event);
        }
    }

    /// Tells a node's outage tracker something. While all is well polls tell it ten times a
    /// second that reads work, which is said only when that ends.
    fn track(&self, world: &mut World, place: u8, event: Tracked) {
        let node = &mut world.nodes[usize::from(place)];
        if !self.watches_outages() || !node.up {
            return;
        }
        match (event, node.failing()) {
            (Tracked::ReadFailed | Tracked::CommitFailed, None) => {
                node.tracked.extend([(Tracked::Read, 0), (event, 0)]);
            }
            (Tracked::CommitFailed, Some(_)) => {
                node.tracked.pop();
                node.tracked.push((event, 0));
            }
            (Tracked::Read, Some((Tracked::ReadFailed, _))) | (Tracked::Committed, Some(_)) => {
                node.tracked.push((event, 0));
            }
            _ => {}
        }
    }

    /// Whether outages are part of this scenario.
    pub fn watches_outages(&self) -> bool {
        self.bounds.left.outages > 0 || (self.bounds.honest && self.bounds.left.crashes > 0)
    }

    /// How long an outage lasts at the most: longer than the window, which is all that counts.
    pub fn longest_outage(&self) -> Age {
        self.bounds.window + 3
    }

    /// Tells the story of each node's outages in the one way that later states depend on.
    pub fn forget_the_past(&self, world: &mut World) {
        for node in &mut world.nodes {
            if node.tracked.is_empty() || node.failing().is_some() {
                continue;
            }
            let outages = self.engine.outages(node, 0);
            let recent: Vec<_> = self.engine.recent(&outages, WORK).collect();
            node.tracked = recent
                .into_iter()
                .rev()
                .flat_map(|outage| {
                    [
                        (Tracked::Committed, age_of(outage.started_at)),
                        (Tracked::CommitFailed, 0),
                        (Tracked::Committed, age_of(outage.ended_at)),
                    ]
                })
                .collect();
        }
    }
}

impl Node {
    /// What fails as far as its tracker knows, and since when.
    pub fn failing(&self) -> Option<(Tracked, Age)> {
        let [.., (_, since), (last, _)] = self.tracked[..] else {
            return None;
        };
        matches!(last, Tracked::ReadFailed | Tracked::CommitFailed).then_some((last, since))
    }
}

/// Whether a message is gone when that node is.
fn goes_down(message: &Message, place: u8) -> bool {
    message.node == place && !matches!(message.stage, Stage::Reply(_))
}

/// The messages that are gone when that node is.
fn swallowed(world: &World, place: u8) -> impl Iterator<Item = &Message> {
    world
        .wire
        .iter()
        .filter(move |message| goes_down(message, place))
}
