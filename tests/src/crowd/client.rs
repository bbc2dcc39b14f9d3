//! One honest client: how it asks, and how it takes a refusal.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::session::{Brought, Session, Standing};
use super::tally::Tallies;
use super::trade::{Progress, Trade};
use crate::clock::{self, Over};
use crate::history::{Asked, Recorder, Rows};
use crate::reply::{Call, Reply};
use crate::{Anonymous, Person, Server, Transport};

/// Between two steps: the machine is not to be kept busy by the crowd alone.
const PAUSE: Duration = Duration::from_millis(15);
/// Before asking again what was refused. Less than `Retry-After` says, so that the moment
/// of the recovery is hit from both sides.
const AGAIN: Duration = Duration::from_millis(60);

/// More of them say nothing new.
const COMPLAINTS: usize = 20;

/// Of so many of its newest sessions a client looks now and then whether they are as it
/// thinks.
const LOOKED_AT: usize = 8;

/// A node, by its place among all of them.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) number: usize,
    pub(super) anonymous: Anonymous,
}

impl Node {
    pub(super) fn all(servers: &[Server]) -> Vec<Self> {
        let nodes = servers.iter().enumerate();
        let nodes = nodes.map(|(number, server)| Self {
            number,
            anonymous: server.anonymous(),
        });
        nodes.collect()
    }

    pub(super) fn call(&self, method: &str, path: &str) -> Call {
        self.anonymous.call(method, path)
    }
}

/// A request, and what it asks for.
pub(super) type Question = (Asked, Call);

/// What came back, and how long it took.
pub(super) type Heard = (Option<Reply>, Duration);

/// A client, with what it knows.
#[derive(Debug)]
pub(super) struct Client {
    trade: Trade,
    pub(super) number: usize,
    nodes: Vec<Node>,
    pub(super) tallies: Arc<Tallies>,
    pub(super) recorder: Arc<Recorder>,
    pub(super) person: Person,
    pub(super) sessions: Vec<Session>,
    pub(super) progress: Progress,
    looked: usize,
    wrong: Vec<String>,
}

/// Where all clients write down what they are told.
#[derive(Debug, Clone)]
pub(super) struct Records {
    pub(super) tallies: Arc<Tallies>,
    pub(super) recorder: Arc<Recorder>,
}

impl Client {
    /// Someone who is registered, and begins while all is well.
    pub(super) fn new(trade: Trade, number: usize, nodes: Vec<Node>, records: Records) -> Self {
        let Records { tallies, recorder } = records;
        let person = Person::named(&format!("client-{number}"));
        let node = nodes[0].clone();
        let registered = super::answered("a registration", || {
            let (asked, call) = registering(&node, &person);
            recorder.send(node.number, asked, call).0
        });
        registered.expect(201);
        let mut client = Self {
            trade,
            number,
            nodes,
            tallies,
            recorder,
            person,
            sessions: Vec::new(),
            progress: Progress::default(),
            looked: 0,
            wrong: Vec::new(),
        };
        trade.begin(&mut client);
        client
    }

    /// Goes on until it is over, and then until nothing is left in doubt.
    pub(super) fn work(&mut self, over: &Over) {
        while !over.is_over() {
            self.trade.step(self);
            self.look_back();
            thread::sleep(PAUSE);
        }
        let start = Instant::now();
        while self.progress.is_open() && start.elapsed() < clock::PATIENCE {
            self.trade.step(self);
        }
        if self.progress.is_open() {
            self.complain("never heard what became of its last request");
        }
    }

    /// What went wrong.
    pub(super) fn wrong(&self) -> &[String] {
        &self.wrong
    }

    pub(super) fn complain(&mut self, what: &str) {
        if self.wrong.len() == COMPLAINTS {
            return;
        }
        self.wrong.push(format!(
            "{} ({:?}): {what}",
            self.person.username, self.trade
        ));
    }

    /// The node that it asks at the moment.
    pub(super) fn node(&self) -> Node {
        self.nodes[0].clone()
    }

    /// The node after the one that it asks at the moment.
    pub(super) fn next_node(&self) -> Node {
        self.nodes[1 % self.nodes.len()].clone()
    }

    /// An answer, or `None` where nothing was promised: a refusal, or silence. The next
    /// request then goes to the next node.
    pub(super) fn ask(&mut self, (asked, call): Question) -> Option<Reply> {
        let heard = self.recorder.send(self.nodes[0].number, asked, call);
        self.hear(heard)
    }

    /// Two requests at once, the second one to the next node.
    pub(super) fn ask_twice(&mut self, questions: [Question; 2]) -> [Option<Reply>; 2] {
        let recorder = &self.recorder;
        let nodes = [self.node(), self.next_node()];
        let heard = thread::scope(|scope| {
            let mut nodes = nodes.iter();
            questions
                .map(|(asked, call)| {
                    let node = nodes.next().map_or(0, |node| node.number);
                    scope.spawn(move || recorder.send(node, asked, call))
                })
                .map(|asking| asking.join().expect("an asking thread"))
        });
        heard.map(|heard| self.hear(heard))
    }

    /// Counts an answer; `None` where it promises nothing.
    pub(super) fn hear(&mut self, (reply, took): Heard) -> Option<Reply> {
        let reply = match reply {
            Some(reply) if reply.status == 503 => {
                self.expect_no_promise(&reply);
                self.tallies.count(|tally| {
                    tally.refusals += 1;
                    tally.slowest_refusal = tally.slowest_refusal.max(took);
                });
                None
            }
            Some(reply) => {
                self.tallies
                    .count(|tally| tally.slowest = tally.slowest.max(took));
                Some(reply)
            }
            None => {
                self.tallies.count(|tally| tally.silences += 1);
                None
            }
        };
        if reply.is_none() {
            self.tallies
                .count(|tally| tally.failed_at = Some(Instant::now()));
            self.nodes.rotate_left(1);
            thread::sleep(AGAIN);
        }
        reply
    }

    fn expect_no_promise(&mut self, refusal: &Reply) {
        if refusal.header("retry-after").is_none() || !refusal.set_cookies().is_empty() {
            self.complain(&format!("a 503 with {:?}", refusal.headers));
        }
    }

    /// An answer when all is over. A busy machine may have no time even then, so that whoever
    /// gets a 503 asks again, for as long as anybody may wait for an answer.
    fn ask_in_the_end(&mut self, ask: impl Fn(&Self) -> Option<Reply>) -> Option<Reply> {
        let start = Instant::now();
        loop {
            let reply = ask(self)?;
            if reply.status != 503 || start.elapsed() > super::HANG {
                return Some(reply);
            }
            self.expect_no_promise(&reply);
            thread::sleep(AGAIN);
        }
    }

    /// Likewise, of an answer that nothing else is to be known of.
    fn status_in_the_end(&mut self, call: impl Fn(&Self) -> Call) -> Option<u16> {
        let reply = self.ask_in_the_end(|client| call(client).try_send().ok());
        reply.map(|reply| reply.status)
    }

    /// Takes an answer to a refresh of a live session; whether there was one.
    pub(super) fn take(&mut self, place: usize, presented: i64, reply: Option<Reply>) -> bool {
        let Some(reply) = reply else {
            return false;
        };
        let session = &mut self.sessions[place];
        if reply.status != 200 {
            let (generation, code) = (session.generation, reply.code());
            let what = format!(
                "{}, generation {generation}, logged out: {} {code}",
                session.id, reply.status
            );
            self.complain(&what);
            return true;
        }
        match session.take(presented, &reply) {
            Ok(Brought::New) => self.tallies.count(|tally| tally.rotations += 1),
            Ok(Brought::Same) => self.tallies.count(|tally| tally.repeats += 1),
            Err(what) => self.complain(&what),
        }
        true
    }

    /// Logs in; `None` where nothing is known of it.
    pub(super) fn log_in(&mut self, password: &str) -> Option<Result<Session, Reply>> {
        self.log_in_by(Transport::Body, password)
    }

    /// Likewise, by either transport.
    pub(super) fn log_in_by(
        &mut self,
        transport: Transport,
        password: &str,
    ) -> Option<Result<Session, Reply>> {
        let user = self.person.username.clone();
        let mut body = json!({ "username": user, "password": password });
        let mut call = self.node().call("POST", "/v1/login");
        if transport == Transport::Cookie {
            body["transport"] = "cookie".into();
            call = call.header("sec-fetch-site", "same-origin");
        }
        let password = password.to_owned();
        let reply = self.ask((Asked::LogIn { user, password }, call.json(body)))?;
        if reply.status != 200 {
            return Some(Err(reply));
        }
        self.tallies.count(|tally| tally.logins += 1);
        Some(Ok(Session::of(transport, &reply)))
    }

    /// Asks of one of its newest sessions, live or ended, whether it is good; the recorded
    /// answers are looked at in the end.
    fn look_back(&mut self) {
        let places = self.sessions.len().min(LOOKED_AT);
        let Some(back) = self.looked.checked_rem(places) else {
            return;
        };
        let node = if self.looked.is_multiple_of(2) {
            self.node()
        } else {
            self.next_node()
        };
        let session = &self.sessions[self.sessions.len() - 1 - back];
        let (asked, call) = if session.standing == Standing::Ended && self.looked.is_multiple_of(3)
        {
            session.refreshing(&node)
        } else {
            session.verifying(&node)
        };
        self.looked += 1;
        self.recorder.send(node.number, asked, call);
    }

    /// Finds everything true that it was told.
    pub(super) fn check(&mut self, nodes: &[Node], stored: &Rows) {
        for place in 0..self.sessions.len() {
            match self.sessions[place].standing {
                Standing::Live => self.check_live(place, &nodes[place % nodes.len()], stored),
                Standing::Ended => self.check_ended(place, nodes),
                Standing::Unsure => self.check_unsure(place, &nodes[0]),
            }
        }
        self.trade.check(self, &nodes[0], stored);
    }

    /// The newest token refreshes or is repeated, and the row is where the client is.
    fn check_live(&mut self, place: usize, node: &Node, stored: &Rows) {
        let session = &self.sessions[place];
        let (id, generation) = (session.id.clone(), session.generation);
        let stored = stored.sessions.get(&id).map(|row| row.generation);
        if stored != Some(generation) && stored != Some(generation + 1) {
            self.complain(&format!(
                "{id}: acknowledged {generation}, stored {stored:?}"
            ));
        }
        let session = &self.sessions[place];
        let presented = session.presents();
        let reply = self.ask_in_the_end(|client| {
            let (asked, call) = client.sessions[place].refreshing(node);
            client.recorder.send(node.number, asked, call).0
        });
        if !self.take(place, presented, reply) {
            self.complain(&format!("{id}: no answer in the end"));
        }
        let status = self.status_in_the_end(|client| {
            let me = node.call("GET", "/v1/me");
            client.sessions[place].bearing(me)
        });
        if status != Some(200) {
            self.complain(&format!("{id}: /v1/me answers {status:?}"));
        }
    }

    /// Nothing of it is accepted anywhere. Other nodes than the one that ended it have the
    /// time that they may take to hear of it.
    fn check_ended(&mut self, place: usize, nodes: &[Node]) {
        let session = &self.sessions[place];
        let id = session.id.clone();
        let verify = |node: &Node| session.verifying(node).1.send().status;
        let refused = nodes.iter().all(|node| {
            let start = Instant::now();
            while verify(node) != 401 {
                if start.elapsed() > clock::PATIENCE {
                    return false;
                }
                thread::sleep(PAUSE);
            }
            true
        });
        if !refused {
            self.complain(&format!("{id}: ended, and its access token is accepted"));
        }
        let refresh = self.ask_in_the_end(|client| {
            let refresh = client.sessions[place].refreshing(&nodes[0]).1;
            refresh.try_send().ok()
        });
        let refresh = refresh.map(|reply| (reply.status, reply.code()));
        if refresh != Some((401, "session_revoked".to_owned())) {
            self.complain(&format!("{id}: ended, and {refresh:?}"));
        }
    }

    /// It goes on or it does not, wholly.
    fn check_unsure(&mut self, place: usize, node: &Node) {
        let refresh = self.status_in_the_end(|client| client.sessions[place].refreshing(node).1);
        let verify = self.status_in_the_end(|client| client.sessions[place].verifying(node).1);
        if !matches!(
            (refresh, verify),
            (Some(200), Some(204)) | (Some(401), Some(401))
        ) {
            let id = self.sessions[place].id.clone();
            self.complain(&format!("{id}: half ended: {refresh:?} and {verify:?}"));
        }
    }
}

/// The request for an account.
pub(super) fn registering(node: &Node, person: &Person) -> Question {
    let user = person.username.clone();
    let call = node.call("POST", "/v1/register");
    (Asked::Register { user }, call.json(person.registration()))
}
