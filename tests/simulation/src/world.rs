//! The world of one seed: nodes, requests under way, messages in flight, clients, and the judge.
//! Each move is drawn from the seed; nothing else decides anything.

mod acts;
mod answers;
mod moves;

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use token_core::session::Transport;
use token_core::time::{Clock, Timestamp};

use crate::clock::SimClock;
use crate::control::{Control, Fate, Halt, Port, Speaker};
use crate::database::{Database, SessionRow, key};
use crate::defect::Defect;
use crate::node::{Node, Surroundings};
use crate::oracle::{Checked, Oracle, Violation, hold};
use crate::random::{Random, SeededEntropy};
use crate::request::{Answer, Request, Work, ask};
use crate::settings::Settings;
use crate::tally::Tally;
use crate::template::{NAMES, template};

/// Who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Device(usize),
    Thief(usize),
    /// An admin, or a job of the node itself.
    House,
}

/// A request under way.
struct Task {
    number: u64,
    node: usize,
    origin: Origin,
    request: Request,
    work: Work,
    /// Where it stands; `None` while it is still on its way to the node.
    halt: Option<Halt>,
    /// What became of the call that it stands after.
    fate: Fate,
    speaker: Speaker,
    /// Since when its message, there or back, is under way.
    since: Duration,
    began: Option<(Timestamp, Duration)>,
    let_go: u64,
    faulted: bool,
    accompanied: bool,
    seen: Option<SessionRow>,
    /// The session whose token it bears.
    subject: Option<String>,
    /// The user's sessions that were there when it was taken up.
    bystanders: Vec<String>,
    /// Node trouble when its rotation was put together.
    excused: bool,
}

/// A reply on its way to a device.
struct Mail {
    device: usize,
    task: u64,
    since: Duration,
    reply: Reply,
}

/// What a device makes of an answer.
enum Reply {
    /// New tokens; whether the refresh token is to be stored, and whether it was presented before.
    Tokens {
        jar: Box<Jar>,
        store: bool,
        repeated: bool,
    },
    /// Over: log in again.
    Over(String),
    /// Try again.
    Later,
    /// Nothing to remember.
    Noted,
}

/// Where a device keeps its tokens, shared by its tabs.
#[derive(Debug, Clone)]
struct Jar {
    session: String,
    id: token_core::id::SessionId,
    refresh: String,
    access: String,
}

/// A refresh that a tab waits for.
struct Waiting {
    task: u64,
    token: String,
    deadline: Duration,
}

struct Device {
    user: usize,
    transport: Transport,
    agent: String,
    tabs: usize,
    jar: Option<Jar>,
    waiting: Vec<Waiting>,
    /// Whether a login is under way.
    logging_in: Option<u64>,
}

/// What a thief has of a session.
struct Loot {
    session: String,
    transport: Transport,
    refresh: String,
    access: String,
}

pub struct World {
    settings: Settings,
    random: Random,
    around: Surroundings,
    nodes: Vec<Option<Node>>,
    tasks: Vec<Task>,
    mail: Vec<Mail>,
    devices: Vec<Device>,
    loot: Vec<Loot>,
    oracle: Oracle,
    tally: Tally,
    trace: Vec<String>,
    next_task: u64,
    next_password: u32,
    /// Whether the database answers nothing.
    out: bool,
    /// No more faults: the end.
    settling: bool,
    /// The last pair of each session, for a defect.
    latest: std::collections::BTreeMap<String, token_core::service::Refreshed>,
}

/// What a seed came to.
pub struct Run {
    pub trace: Vec<String>,
    pub tally: Tally,
    pub broken: Option<Violation>,
}

/// Runs a seed from its beginning to its end.
pub fn run(seed: u64, defect: Option<Defect>) -> Run {
    let mut world = World::new(seed, defect);
    let broken = world.live().err();
    if let Some(Violation { rule, what }) = &broken {
        world.tell(format!("BROKEN {rule}: {what}"));
    }
    // Tasks hold their node's service.
    world.tasks.clear();
    Run {
        trace: world.trace,
        tally: world.tally,
        broken,
    }
}

impl World {
    fn new(seed: u64, defect: Option<Defect>) -> Self {
        let mut random = Random::new(seed);
        let settings = Settings::draw(&mut random);
        let database = Arc::new(Database::copy(template()));
        let rows = database.rows();
        let around = Surroundings {
            clock: Arc::new(SimClock::new()),
            control: Arc::new(Control::default()),
            entropy: Arc::new(SeededEntropy::new(seed)),
            policy: settings.policy.clone(),
            database,
            defect,
        };
        let transports = [Transport::Body, Transport::Cookie];
        let devices = (0..settings.devices).map(|n| Device {
            user: n % NAMES.len(),
            transport: random.pick(&transports),
            agent: format!("device {n}"),
            tabs: 1 + random.below(3),
            jar: None,
            waiting: Vec::new(),
            logging_in: None,
        });
        let devices = devices.collect();
        let trace = vec![format!("seed {seed}: {}", settings.shown())];
        let mut world = Self {
            oracle: Oracle::new(&settings, rows),
            nodes: (0..settings.nodes).map(|_| None).collect(),
            settings,
            random,
            around,
            tasks: Vec::new(),
            mail: Vec::new(),
            devices,
            loot: Vec::new(),
            tally: Tally::default(),
            trace,
            next_task: 1,
            next_password: 100,
            out: false,
            settling: false,
            latest: std::collections::BTreeMap::new(),
        };
        for node in 0..world.nodes.len() {
            world.start(node);
        }
        world
    }

    fn tell(&mut self, what: impl AsRef<str>) {
        let line = format!(
            "{:>5} {} {}",
            self.oracle.sequence,
            self.around.clock.shown(),
            what.as_ref()
        );
        self.trace.push(line);
    }

    fn monotonic(&self) -> Duration {
        self.around.clock.monotonic()
    }

    fn start(&mut self, node: usize) {
        self.nodes[node] = Some(Node::start(&self.around));
        let monotonic = self.monotonic();
        self.oracle.started(node, monotonic);
        self.around.control.take_effects();
    }

    /// Which nodes run.
    fn up(&self) -> Vec<usize> {
        let all = self.nodes.iter().enumerate();
        all.filter_map(|(n, node)| node.as_ref().map(|_| n))
            .collect()
    }

    /// Sends a request to a node. Says its number.
    fn send(&mut self, node: usize, origin: Origin, request: Request, speaker: Speaker) -> u64 {
        let number = self.next_task;
        self.next_task += 1;
        let subject = match &request {
            Request::Refresh { token, .. } | Request::Logout { refresh: token, .. } => {
                self.oracle.issued.get(token).map(|(id, _, _)| id.clone())
            }
            Request::LogoutAll { access }
            | Request::LogoutOthers { access }
            | Request::ChangePassword { access, .. }
            | Request::DeleteAccount { access } => self.oracle.bearers.get(access).cloned(),
            _ => None,
        };
        let of = subject.as_ref().map_or_else(String::new, |id| {
            let token = match &request {
                Request::Refresh { token, .. } => self.oracle.issued.get(token).map(|t| t.1),
                _ => None,
            };
            let generation = token.map_or_else(String::new, |g| format!(" generation {g}"));
            format!(" {}{generation}", self.oracle.name(id))
        });
        self.tell(format!(
            "t{number} {}{of} by {origin:?} to node {node}",
            request.name()
        ));
        let Some(running) = &self.nodes[node] else {
            return number;
        };
        let work = ask(running, &self.around, request.clone());
        self.tasks.push(Task {
            number,
            node,
            origin,
            request,
            work,
            halt: None,
            fate: Fate::Go,
            speaker,
            since: self.around.clock.monotonic(),
            began: None,
            let_go: 0,
            faulted: false,
            accompanied: false,
            seen: None,
            subject,
            bystanders: Vec::new(),
            excused: false,
        });
        number
    }

    /// Lets one task go on, and judges what that did.
    fn step(&mut self, index: usize, fate: Fate) -> Checked {
        self.oracle.sequence += 1;
        let stood = self.tasks[index].halt;
        let done = self.poll(index, fate);
        match stood {
            Some(Halt::Before(port)) if matches!(fate, Fate::Go | Fate::Lose) => {
                self.look(index, &[port])?;
            }
            Some(Halt::Queued(port)) => self.look(index, &[port])?,
            Some(Halt::Before(_) | Halt::After(_)) | None => {}
        }
        match done {
            Some(answer) => {
                let task = self.tasks.remove(index);
                self.finish(task, answer)
            }
            None => Ok(()),
        }
    }

    fn poll(&mut self, index: usize, fate: Fate) -> Option<Answer> {
        let (now, monotonic) = (self.around.clock.now(), self.monotonic());
        let sequence = self.oracle.sequence;
        if self.tasks.len() > 1 {
            for task in &mut self.tasks {
                task.accompanied = true;
            }
        }
        let task = &mut self.tasks[index];
        let stood = task.halt;
        match stood {
            None => {
                task.began = Some((now, monotonic));
                task.since = monotonic;
                task.bystanders = bystanders(&self.oracle, task);
            }
            Some(Halt::Before(port)) => {
                if fate != Fate::Refuse {
                    task.let_go = sequence;
                }
                task.fate = fate;
                task.faulted |= matches!(fate, Fate::Refuse | Fate::Lose);
                if fate == Fate::Refuse && tracked(port) {
                    self.oracle.storage_failed(task.node, monotonic);
                }
            }
            Some(Halt::Queued(_)) => {}
            Some(Halt::After(port)) => {
                if task.fate == Fate::Lose && tracked(port) {
                    self.oracle.storage_failed(task.node, monotonic);
                } else if port == Port::Rotate {
                    self.oracle.storage_worked(task.node, monotonic);
                }
            }
        }
        self.around.control.let_go(fate, task.speaker);
        let polled = task
            .work
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        task.halt = self.around.control.stands_at().or(task.halt);
        if task.halt == Some(Halt::Before(Port::Rotate)) && stood != task.halt {
            task.excused = self.oracle.may_excuse(task.node, monotonic);
        }
        let line = match (stood, fate) {
            (None, _) => format!("t{} arrives", task.number),
            (Some(Halt::Before(port)), fate) => format!("t{} {port:?}: {fate:?}", task.number),
            (Some(Halt::Queued(port)), _) => format!("t{} {port:?}: collected", task.number),
            (Some(Halt::After(_)), _) => format!("t{} goes on", task.number),
        };
        self.tell(line);
        match polled {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }

    /// Judges the rows after a call.
    fn look(&mut self, index: usize, ports: &[Port]) -> Checked {
        let began = self.tasks[index].began.map(|(now, _)| now);
        self.look_around(ports, began)?;
        let task = &mut self.tasks[index];
        if let Some(id) = &task.subject {
            task.seen = self.oracle.rows.sessions.get(id).cloned();
        }
        Ok(())
    }

    /// What was asked for by the time of day at which its request began may be done after a step.
    fn look_around(&mut self, ports: &[Port], began: Option<Timestamp>) -> Checked {
        let rows = self.around.database.rows();
        let effects = self.around.control.take_effects();
        let now = self.around.clock.now();
        let latest = began.map_or(now, |began| began.max(now));
        self.oracle.look(rows, ports, &effects, latest)
    }

    /// Asks every node about tokens that it must refuse.
    fn probe(&mut self) -> Checked {
        for node in self.up() {
            if let Some(running) = &self.nodes[node] {
                self.oracle
                    .probe(node, &running.service, &self.around.clock)?;
            }
        }
        Ok(())
    }

    /// All moves, and then the end, in which nothing fails any more.
    fn live(&mut self) -> Checked {
        for _ in 0..self.settings.moves {
            self.make_a_move()?;
        }
        self.settle()?;
        let integrity = self.around.database.integrity();
        hold!("the file is sound", integrity == "ok", "{integrity}");
        self.oracle.check_audit(&self.around.database.audit())
    }
}

/// Whether the outage tracker hears of that call.
fn tracked(port: Port) -> bool {
    matches!(port, Port::Rotate | Port::EndedSessions)
}

/// The sessions that a request about a whole user will have to end.
fn bystanders(oracle: &Oracle, task: &Task) -> Vec<String> {
    let user = match (&task.request, &task.subject) {
        (Request::Disable(id), _) => key(id),
        (Request::Refresh { .. } | Request::Logout { .. }, _) | (_, None) => return Vec::new(),
        (_, Some(session)) => oracle.user_of(session),
    };
    let rows = oracle.rows.sessions.values();
    rows.filter(|row| row.user_id == user)
        .map(|row| row.id.clone())
        .collect()
}
