//! One honest client: how it asks, and how it takes a refusal.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::HANG;
use super::session::{Brought, Session, Standing};
use super::stored::Stored;
use super::tally::Tallies;
use super::trade::{Progress, Trade};
use crate::clock::{self, Over};
use crate::reply::{Call, Reply};
use crate::{Anonymous, Person};

/// Between two steps: the machine is not to be kept busy by the crowd alone.
const PAUSE: Duration = Duration::from_millis(15);
/// Before asking again what was refused. Less than `Retry-After` says, so that the moment
/// of the recovery is hit from both sides.
const AGAIN: Duration = Duration::from_millis(60);

/// More of them say nothing new.
const COMPLAINTS: usize = 20;

/// A client, with what it knows.
#[derive(Debug)]
pub(super) struct Client {
    trade: Trade,
    pub(super) number: usize,
    nodes: Vec<Anonymous>,
    pub(super) tallies: Arc<Tallies>,
    pub(super) person: Person,
    pub(super) sessions: Vec<Session>,
    pub(super) progress: Progress,
    wrong: Vec<String>,
}

impl Client {
    /// Someone who is registered, and begins while all is well.
    pub(super) fn new(
        trade: Trade,
        number: usize,
        nodes: Vec<Anonymous>,
        tallies: Arc<Tallies>,
    ) -> Self {
        let person = Person::named(&format!("client-{number}"));
        nodes[0].register(&person).expect(201);
        let mut client = Self {
            trade,
            number,
            nodes,
            tallies,
            person,
            sessions: Vec::new(),
            progress: Progress::default(),
            wrong: Vec::new(),
        };
        trade.begin(&mut client);
        client
    }

    /// Goes on until it is over, and then until nothing is left in doubt.
    pub(super) fn work(&mut self, over: &Over) {
        while !over.is_over() {
            self.trade.step(self);
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
    pub(super) fn node(&self) -> Anonymous {
        self.nodes[0].clone()
    }

    /// An answer, or `None` where nothing was promised: a refusal, or silence. The next
    /// request then goes to the next node.
    pub(super) fn ask(&mut self, call: Call) -> Option<Reply> {
        let start = Instant::now();
        let reply = call.try_send();
        self.hear(reply.ok(), start.elapsed())
    }

    /// Two requests at once, the second one to the next node.
    pub(super) fn ask_twice(&mut self, calls: [Call; 2]) -> [Option<Reply>; 2] {
        let replies = thread::scope(|scope| {
            calls
                .map(|call| {
                    scope.spawn(|| {
                        let start = Instant::now();
                        let reply = call.try_send();
                        (reply.ok(), start.elapsed())
                    })
                })
                .map(|asking| asking.join().expect("an asking thread"))
        });
        replies.map(|(reply, took)| self.hear(reply, took))
    }

    fn hear(&mut self, reply: Option<Reply>, took: Duration) -> Option<Reply> {
        if took > HANG {
            self.complain(&format!("an answer took {took:?}"));
        }
        let reply = match reply {
            Some(reply) if reply.status == 503 => {
                if reply.header("retry-after").is_none() || !reply.set_cookies().is_empty() {
                    self.complain(&format!("a 503 with {:?}", reply.headers));
                }
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

    /// The node after the one that it asks at the moment.
    pub(super) fn next_node(&self) -> Anonymous {
        self.nodes[1 % self.nodes.len()].clone()
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
        let body = json!({ "username": self.person.username, "password": password });
        let call = self.node().call("POST", "/v1/login").json(body);
        let reply = self.ask(call)?;
        if reply.status != 200 {
            return Some(Err(reply));
        }
        self.tallies.count(|tally| tally.logins += 1);
        Some(Ok(Session::of(&reply.json())))
    }

    /// Finds everything true that it was told.
    pub(super) fn check(&mut self, nodes: &[Anonymous], stored: &Stored) {
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
    fn check_live(&mut self, place: usize, node: &Anonymous, stored: &Stored) {
        let session = &self.sessions[place];
        let (id, generation) = (session.id.clone(), session.generation);
        let stored = stored.generation(&id);
        if stored != Some(generation) && stored != Some(generation + 1) {
            self.complain(&format!(
                "{id}: acknowledged {generation}, stored {stored:?}"
            ));
        }
        let reply = self.sessions[place].refreshing(node).send();
        self.take(place, generation, Some(reply));
        let me = node
            .call("GET", "/v1/me")
            .bearer(&self.sessions[place].access);
        let status = me.send().status;
        if status != 200 {
            self.complain(&format!("{id}: /v1/me answers {status}"));
        }
    }

    /// Nothing of it is accepted anywhere. Other nodes than the one that ended it have the
    /// time that they may take to hear of it.
    fn check_ended(&mut self, place: usize, nodes: &[Anonymous]) {
        let session = &self.sessions[place];
        let id = session.id.clone();
        let verify = |node: &Anonymous| {
            let call = node.call("GET", "/v1/verify").bearer(&session.access);
            call.send().status
        };
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
        let refresh = session.refreshing(&nodes[0]).send();
        if !refused {
            self.complain(&format!("{id}: ended, and its access token is accepted"));
        }
        if (refresh.status, refresh.code().as_str()) != (401, "session_revoked") {
            let code = refresh.code();
            self.complain(&format!("{id}: ended, and {} {code}", refresh.status));
        }
    }

    /// It goes on or it does not, wholly.
    fn check_unsure(&mut self, place: usize, node: &Anonymous) {
        let session = &self.sessions[place];
        let refresh = session.refreshing(node).send().status;
        let verify = node.call("GET", "/v1/verify").bearer(&session.access);
        let verify = verify.send().status;
        if !matches!((refresh, verify), (200, 204) | (401, 401)) {
            let id = session.id.clone();
            self.complain(&format!("{id}: half ended: {refresh} and {verify}"));
        }
    }
}
