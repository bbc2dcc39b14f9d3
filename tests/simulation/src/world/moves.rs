//! The moves: what the seed can make happen next.

use std::time::Duration;

use token_core::time::Clock;

use super::{Origin, Reply, World};
use crate::control::{Fate, Halt, Port, Speaker};
use crate::oracle::{Checked, hold};
use crate::request::{Answer, Request, at_once};

#[derive(Debug, Clone, Copy)]
enum Move {
    GoOn,
    Batch,
    Deliver,
    Act,
    Advance,
    StepClock,
    Crash,
    Restart,
    Out,
    BackAgain,
}

/// Spans of time, the edges of the window among them.
const SPANS: [Duration; 10] = [
    Duration::from_micros(1),
    Duration::from_millis(50),
    Duration::from_secs(1),
    Duration::from_secs(4),
    Duration::from_micros(29_999_999),
    Duration::from_secs(30),
    Duration::from_micros(30_000_001),
    Duration::from_mins(5),
    Duration::from_hours(1),
    Duration::from_hours(13),
];

impl World {
    pub(super) fn make_a_move(&mut self) -> Checked {
        if self.settings.calm && self.retry_what_is_due() {
            return Ok(());
        }
        let up = self.up().len();
        let down = self.nodes.len() - up;
        let some = |weight: usize, possible: bool| if possible { weight } else { 0 };
        let crashes = self.settings.crashes;
        let moves = [
            (some(50, !self.tasks.is_empty()), Move::GoOn),
            (some(12, self.can_batch().is_some()), Move::Batch),
            (some(25, !self.mail.is_empty()), Move::Deliver),
            (some(35, self.tasks.len() < 8 && up > 0), Move::Act),
            (14, Move::Advance),
            (some(3, self.settings.steps), Move::StepClock),
            (some(2, crashes && up > 0), Move::Crash),
            (some(15, down > 0), Move::Restart),
            (some(1, crashes && !self.out && up > 0), Move::Out),
            (some(10, self.out), Move::BackAgain),
        ];
        match self.random.weighted(&moves) {
            Move::GoOn => self.go_on(),
            Move::Batch => self.batch(),
            Move::Deliver => {
                let index = self.random.below(self.mail.len());
                let lost = self.settings.faults && self.random.chance(6);
                self.deliver(index, lost)
            }
            Move::Act => self.act(),
            Move::Advance => self.advance(),
            Move::StepClock => self.step_clock(),
            Move::Crash => self.crash(),
            Move::Restart => self.restart(),
            Move::Out => {
                self.interrupt();
                // As its pollers do, every node knows when storage last worked.
                self.poll_everywhere()?;
                self.tally.count("fault: database out");
                self.tell("the database is out");
                self.out = true;
                self.poll_everywhere()
            }
            Move::BackAgain => {
                self.tell("the database is back");
                self.out = false;
                self.poll_everywhere()
            }
        }
    }

    /// Every node's poller comes by, and fails while the database is out.
    fn poll_everywhere(&mut self) -> Checked {
        for node in self.up() {
            let task = self.send(node, Origin::House, Request::Poll, Speaker::default());
            self.finish_now(task)?;
        }
        Ok(())
    }

    /// Lets a task go on, alone, until it is answered.
    pub(super) fn finish_now(&mut self, number: u64) -> Checked {
        while let Some(index) = self.tasks.iter().position(|task| task.number == number) {
            let fate = match self.tasks[index].halt {
                Some(Halt::Before(_)) if self.out => Fate::Refuse,
                _ => Fate::Go,
            };
            self.step(index, fate)?;
        }
        Ok(())
    }

    fn go_on(&mut self) -> Checked {
        let index = self.random.below(self.tasks.len());
        let fate = match self.tasks[index].halt {
            Some(Halt::Before(_)) if self.out => Fate::Refuse,
            Some(Halt::Before(port)) if self.settings.faults && !self.settling => {
                match self.random.below(100) {
                    0..3 => Fate::Refuse,
                    3..6 if port.writes() => Fate::Lose,
                    _ => Fate::Go,
                }
            }
            _ => Fate::Go,
        };
        if !self.out && matches!(fate, Fate::Refuse | Fate::Lose) {
            self.tally.count(match fate {
                Fate::Refuse => "fault: refused",
                _ => "fault: answer lost",
            });
            if let (Origin::Device(_), Some(id)) =
                (self.tasks[index].origin, self.tasks[index].subject.clone())
            {
                self.oracle.lost_message(&id);
            }
        }
        self.step(index, fate)
    }

    /// The tasks of one node that could share a commit.
    fn can_batch(&self) -> Option<Vec<usize>> {
        if self.out {
            return None;
        }
        let waits = |node: usize| {
            let all = self.tasks.iter().enumerate().filter(|(_, task)| {
                let writes = matches!(task.halt, Some(Halt::Before(port)) if port.writes());
                task.node == node && writes
            });
            all.map(|(index, _)| index).collect::<Vec<_>>()
        };
        (0..self.nodes.len())
            .map(waits)
            .find(|found| found.len() > 1)
    }

    /// Several writes go into the queue while the writer is held: they are one transaction.
    fn batch(&mut self) -> Checked {
        let Some(mut chosen) = self.can_batch() else {
            return Ok(());
        };
        // In an order of the seed's.
        for last in (1..chosen.len()).rev() {
            chosen.swap(last, self.random.below(last + 1));
        }
        let node = self.tasks[chosen[0]].node;
        let Some(running) = &self.nodes[node] else {
            return Ok(());
        };
        let (brake, storage) = (running.brake.clone(), running.storage.clone());
        let before = storage.commit_stats();
        let numbers: Vec<u64> = chosen.iter().map(|n| self.tasks[*n].number).collect();
        self.oracle.sequence += 1;
        let mut ports = Vec::new();
        brake.hold(&storage, || {
            for index in &chosen {
                if let Some(Halt::Before(port)) = self.tasks[*index].halt {
                    ports.push(port);
                }
                self.poll(*index, Fate::Queue);
            }
        });
        for (position, number) in numbers.iter().enumerate() {
            let Some(index) = self.tasks.iter().position(|task| task.number == *number) else {
                continue;
            };
            self.poll(index, Fate::Go);
            if position == 0 {
                let after = storage.commit_stats();
                // The plug, and then all of them.
                hold!(
                    "one batch, one commit",
                    after.commits - before.commits == 2,
                    "{} units took {} commits",
                    chosen.len(),
                    after.commits - before.commits - 1
                );
            }
        }
        self.tally.count("batch: writes sharing a commit");
        let began = self
            .tasks
            .iter()
            .filter(|task| numbers.contains(&task.number));
        let began = began.filter_map(|task| Some(task.began?.0)).max();
        self.look_around(&ports, began)?;
        for number in numbers {
            if let Some(task) = self.tasks.iter_mut().find(|task| task.number == number)
                && let Some(id) = &task.subject
            {
                task.seen = self.oracle.rows.sessions.get(id).cloned();
            }
        }
        self.probe()
    }

    pub(super) fn deliver(&mut self, index: usize, lost: bool) -> Checked {
        let mail = self.mail.remove(index);
        let device = &mut self.devices[mail.device];
        if lost {
            self.tally.count("fault: reply lost");
            if device.logging_in == Some(mail.task) {
                device.logging_in = None;
            }
            let session = device.jar.as_ref().map(|jar| jar.session.clone());
            if let Some(id) = session {
                self.oracle.lost_message(&id);
            }
            self.tell(format!("the reply to t{} is lost", mail.task));
            return Ok(());
        }
        let expected = device.waiting.iter().position(|w| w.task == mail.task);
        if let Some(position) = expected {
            device.waiting.remove(position);
        }
        let logging_in = device.logging_in == Some(mail.task);
        if logging_in {
            device.logging_in = None;
        }
        match mail.reply {
            Reply::Tokens {
                jar,
                store,
                repeated,
            } => {
                let same = device
                    .jar
                    .as_ref()
                    .is_some_and(|old| old.session == jar.session);
                if logging_in {
                    device.waiting.clear();
                    device.jar = Some(*jar);
                } else if same && let Some(old) = &mut device.jar {
                    self.oracle.confirmed(&jar.session);
                    old.access = jar.access;
                    if store {
                        let age = |token| self.oracle.issued.get(token).map(|issued| issued.1);
                        hold!(
                            "I2",
                            !repeated || age(&jar.refresh) >= age(&old.refresh),
                            "a slow tab put an older token of {} back",
                            self.oracle.name(&jar.session)
                        );
                        old.refresh = jar.refresh;
                    }
                }
            }
            Reply::Over(session) => {
                if device
                    .jar
                    .as_ref()
                    .is_some_and(|jar| jar.session == session)
                {
                    device.jar = None;
                    device.waiting.clear();
                }
            }
            Reply::Later => {
                // Asked again at once, as far as the client can.
                let deadline = self.around.clock.monotonic();
                if expected.is_some()
                    && let Some(jar) = &device.jar
                {
                    let token = jar.refresh.clone();
                    device.waiting.push(super::Waiting {
                        task: mail.task,
                        token,
                        deadline,
                    });
                }
            }
            Reply::Noted => {}
        }
        self.tell(format!("the reply to t{} arrives", mail.task));
        Ok(())
    }

    /// Lets time pass: in calm weather no longer than messages and clients allow.
    fn advance(&mut self) -> Checked {
        let mut span = self.random.pick(&SPANS);
        if self.settings.calm {
            let monotonic = self.monotonic();
            let leg = self.settings.leg();
            let legs = self.tasks.iter().map(|task| task.since + leg);
            let mails = self.mail.iter().map(|mail| mail.since + leg);
            let deadlines = self.devices.iter().flat_map(|device| &device.waiting);
            let deadlines = deadlines.map(|waiting| waiting.deadline);
            let reachable = !self.out && !self.up().is_empty();
            let deadlines = deadlines.filter(|_| reachable);
            if let Some(first) = legs.chain(mails).chain(deadlines).min() {
                span = span.min(first.saturating_sub(monotonic));
            }
        }
        if span.is_zero() {
            return Ok(());
        }
        self.give_up(span)?;
        self.around.clock.advance(span);
        self.tell(format!("{span:?} pass"));
        // Each node looks at its keys every second.
        if span >= Duration::from_secs(1) && !self.out {
            for node in self.up() {
                self.look_after_keys(node)?;
            }
        }
        self.probe()
    }

    /// Storage lets nothing wait for longer than this: what would is refused.
    fn give_up(&mut self, span: Duration) -> Checked {
        const PATIENCE: Duration = Duration::from_secs(25);
        let then = self.monotonic() + span;
        let waited =
            |task: &&super::Task| task.began.is_some_and(|(_, began)| began + PATIENCE < then);
        let late: Vec<u64> = self
            .tasks
            .iter()
            .filter(waited)
            .map(|task| task.number)
            .collect();
        for number in late {
            while let Some(index) = self.tasks.iter().position(|task| task.number == number) {
                let fate = match self.tasks[index].halt {
                    Some(Halt::Before(_)) => Fate::Refuse,
                    _ => Fate::Go,
                };
                if let (Fate::Refuse, Some(id)) = (fate, self.tasks[index].subject.clone()) {
                    self.oracle.lost_message(&id);
                }
                self.step(index, fate)?;
            }
        }
        Ok(())
    }

    fn look_after_keys(&mut self, node: usize) -> Checked {
        let Some(running) = &self.nodes[node] else {
            return Ok(());
        };
        let answer = at_once(&self.around, running, Request::LookAfterKeys);
        self.look_around(&[Port::ChangeKeys], None)?;
        if let Answer::Done(Ok(changes)) = answer
            && changes > 0
        {
            self.tally.count("keys: changed");
            self.tell(format!("node {node} changed keys"));
            self.oracle.keys_changed();
        }
        Ok(())
    }

    fn step_clock(&mut self) -> Checked {
        let (seconds, what) = self.random.pick(&[
            (3_600, "clock: an hour forth"),
            (-3_600, "clock: an hour back"),
            (86_400, "clock: a day forth"),
            (-86_400, "clock: a day back"),
            (-600, "clock: ten minutes back"),
        ]);
        self.tally.count(what);
        self.around.clock.step(seconds);
        self.tell(what);
        let monotonic = self.monotonic();
        self.oracle.clock_stepped(monotonic);
        // Who is in the middle of a refresh now is promised nothing: the token may look late.
        let mut unsettled: Vec<String> = self
            .tasks
            .iter()
            .filter_map(|t| t.subject.clone())
            .collect();
        for device in &self.devices {
            let Some(jar) = &device.jar else { continue };
            let current = self
                .oracle
                .sessions
                .get(&jar.session)
                .is_some_and(|record| {
                    let newest = record.tokens.last_key_value().map(|(_, token)| token);
                    newest == Some(&jar.refresh)
                });
            if !device.waiting.is_empty() || !current {
                unsettled.push(jar.session.clone());
            }
        }
        unsettled.extend(self.mail.iter().filter_map(|mail| match &mail.reply {
            Reply::Tokens { jar, .. } => Some(jar.session.clone()),
            _ => None,
        }));
        for id in unsettled {
            self.oracle.shake(&id, "the clock stepped during a refresh");
        }
        self.probe()
    }

    /// An outage begins: who waits for an answer is carried over one, not over two, since a node
    /// that starts knows of the last one only.
    fn interrupt(&mut self) {
        for device in &self.devices {
            if let Some(jar) = device.jar.as_ref().filter(|_| !device.waiting.is_empty()) {
                self.oracle.interrupted(&jar.session);
            }
        }
    }

    fn crash(&mut self) -> Checked {
        self.interrupt();
        let node = self.random.pick(&self.up());
        self.tell(format!("node {node} crashes"));
        let (dead, alive) = std::mem::take(&mut self.tasks)
            .into_iter()
            .partition::<Vec<_>, _>(|task| task.node == node);
        self.tasks = alive;
        for task in dead {
            match task.halt {
                Some(Halt::After(_)) => {
                    self.tally.count("crash: with a call made and not answered");
                }
                Some(Halt::Before(_)) => self.tally.count("crash: with a call not made"),
                Some(Halt::Queued(_)) | None => {}
            }
            if let (Origin::Device(_), Some(id)) = (task.origin, &task.subject) {
                self.oracle.lost_message(id);
            }
            for device in &mut self.devices {
                if device.logging_in == Some(task.number) {
                    device.logging_in = None;
                }
            }
        }
        self.nodes[node] = None;
        if self.up().is_empty() {
            self.tally.count("crash: all nodes down");
        }
        self.probe()
    }

    pub(super) fn restart(&mut self) -> Checked {
        let down: Vec<usize> = (0..self.nodes.len())
            .filter(|n| self.nodes[*n].is_none())
            .collect();
        let node = self.random.pick(&down);
        self.tally.count("restart");
        self.tell(format!("node {node} starts"));
        self.start(node);
        self.look_around(&[Port::ChangeKeys], None)?;
        self.probe()
    }

    /// The end: nothing fails, every message arrives, and who was promised a session has it.
    pub(super) fn settle(&mut self) -> Checked {
        self.settling = true;
        self.out = false;
        self.tell("everything comes to rest");
        while self.up().len() < self.nodes.len() {
            self.restart()?;
        }
        self.poll_everywhere()?;
        loop {
            if self.tasks.is_empty() && self.mail.is_empty() {
                break;
            }
            if self.tasks.is_empty() {
                self.deliver(0, false)?;
            } else {
                self.go_on()?;
            }
        }
        for _ in 0..2 {
            for device in 0..self.devices.len() {
                self.come_through(device)?;
            }
            self.around
                .clock
                .advance(self.settings.window() + Duration::from_secs(1));
        }
        self.poll_everywhere()?;
        self.probe()
    }
}
