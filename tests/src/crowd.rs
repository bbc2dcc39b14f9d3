//! A crowd of honest clients who go on while things fail, remember everything that was
//! acknowledged, and afterwards find it true.
//!
//! Clients stay and refresh, come and go, change their password, or register; some have
//! several tabs with one cookie jar, leave everywhere at once, or are robbed. One is
//! content with any answer that promises nothing (503, or no answer at all) and asks
//! again, at the next node if there is one. What is wrong is collected, not thrown: the
//! end of the crowd tells all of it. Every request and its answer is recorded, and held
//! against the rules of [`crate::history`] too.

mod client;
mod session;
mod tabs;
mod tally;
mod trade;
mod watcher;

use std::fmt::Write as _;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use self::client::{Client, Node, Records};
use self::tally::Tallies;
pub use self::tally::Tally;
use self::trade::Trade;
pub use self::watcher::Watched;
use self::watcher::Watcher;
use crate::Server;
use crate::clock::{self, Over};
use crate::database::Store;
use crate::history::{self, Asked, Event, Recorder};
use crate::reply::Reply;

/// How long somebody may wait for an answer of whatever kind before that is called a hang:
/// twice the longest time for which a server with the settings of these tests waits.
pub const HANG: Duration = Duration::from_secs(10);

/// The same for a request with a password: hashing one gives way to other work on the machine, so
/// that a busy one takes many times as long.
const HANG_WHILE_HASHING: Duration = HANG.saturating_mul(6);

/// How long a node may accept access tokens of a session that ended at another one:
/// `RENEWD_FEED_MAX_STALENESS` by default, and the time of a request on a busy machine.
const ELSEWHERE: Duration = Duration::from_secs(12);

/// What each client of a small crowd does.
const TRADES: [Trade; 11] = [
    Trade::Staying,
    Trade::Visiting,
    Trade::Staying,
    Trade::Changing,
    Trade::Visiting,
    Trade::Staying,
    Trade::Registering,
    Trade::Visiting,
    Trade::Browsing,
    Trade::Robbed,
    Trade::Leaving,
];

/// Clients at work.
#[derive(Debug)]
pub struct Crowd {
    clients: Vec<JoinHandle<Client>>,
    watchers: Vec<JoinHandle<Watched>>,
    tallies: Arc<Tallies>,
    recorder: Arc<Recorder>,
    over: Arc<Over>,
    patient: bool,
}

/// What the clients were told, all of them together.
#[derive(Debug)]
pub struct Told {
    /// How often what was told.
    pub tally: Tally,
    /// What the verification of an access token answered, for each node.
    pub watched: Vec<Watched>,
    clients: Vec<Client>,
    recorder: Arc<Recorder>,
    patient: bool,
}

impl Crowd {
    /// A crowd of `size` times eleven, who ask these nodes, and a watcher of each node who
    /// verifies an access token again and again. An answer after [`HANG`] is wrong, or after
    /// six times that where a password is hashed.
    pub fn gather(nodes: &[Server], size: usize) -> Self {
        Self::of(nodes, size, false)
    }

    /// Eleven who wait for as long as it takes: it is not about time.
    pub fn of_the_patient(nodes: &[Server]) -> Self {
        Self::of(nodes, 1, true)
    }

    fn of(nodes: &[Server], size: usize, patient: bool) -> Self {
        let over = Arc::new(Over::default());
        let tallies = Arc::new(Tallies::default());
        let recorder = Arc::new(Recorder::default());
        let all = Node::all(nodes);
        let watchers: Vec<Watcher> = all
            .iter()
            .map(|node| Watcher::new(&node.anonymous, node.number))
            .collect();
        let starting: Vec<_> = TRADES
            .iter()
            .cycle()
            .take(TRADES.len() * size)
            .enumerate()
            .map(|(number, &trade)| {
                let mut nodes = all.clone();
                let places = nodes.len();
                nodes.rotate_left(number % places);
                let (tallies, recorder) = (tallies.clone(), recorder.clone());
                let records = Records { tallies, recorder };
                thread::spawn(move || Client::new(trade, number, nodes, records))
            })
            .collect();
        let ready: Vec<Client> = starting
            .into_iter()
            .map(|client| client.join().expect("a client begins"))
            .collect();
        let clients = ready.into_iter().map(|mut client| {
            let over = over.clone();
            thread::spawn(move || {
                client.work(&over);
                client
            })
        });
        let clients = clients.collect();
        let watchers = watchers.into_iter().map(|watcher| {
            let over = over.clone();
            thread::spawn(move || watcher.watch(&over))
        });
        Self {
            clients,
            watchers: watchers.collect(),
            tallies,
            recorder,
            over,
            patient,
        }
    }

    /// What the clients were told so far.
    pub fn tally(&self) -> Tally {
        self.tallies.now()
    }

    /// What was asked and answered so far.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Returns when so many more rotations were acknowledged.
    ///
    /// # Panics
    /// Where they are not.
    pub fn until_more_is_done(&self, rotations: usize) {
        let enough = self.tally().rotations + rotations;
        clock::eventually("more acknowledged rotations", || {
            (self.tally().rotations >= enough).then_some(())
        });
    }

    /// Whether nobody was refused anything for so long.
    pub fn is_content_for(&self, time: Duration) -> bool {
        let failed_at = self.tally().failed_at;
        failed_at.is_none_or(|at| at.elapsed() > time)
    }

    /// Returns when so many more requests were refused or left without an answer.
    ///
    /// # Panics
    /// Where they are not.
    pub fn until_more_is_refused(&self, count: usize) {
        self.until_more_is_refused_by(count, || ());
    }

    /// Likewise, under a fault that has to be kept up.
    ///
    /// # Panics
    /// Where they are not.
    pub fn until_more_is_refused_by(&self, count: usize, mut fault: impl FnMut()) {
        let enough = self.tally().failed() + count;
        clock::eventually("refusals", || {
            fault();
            (self.tally().failed() >= enough).then_some(())
        });
    }

    /// Ends the work. Every client first hears what became of what it asked for last, so
    /// the fault has to be over.
    ///
    /// # Panics
    /// Where a client panicked.
    pub fn end(self) -> Told {
        drop(self.over.at_end());
        let clients = self.clients.into_iter();
        let clients = clients.map(|client| client.join().expect("a client"));
        let clients = clients.collect();
        let watchers = self.watchers.into_iter();
        let watched = watchers.map(|watcher| watcher.join().expect("a watcher"));
        Told {
            clients,
            watched: watched.collect(),
            tally: self.tallies.now(),
            recorder: self.recorder,
            patient: self.patient,
        }
    }
}

impl Told {
    /// What was asked and answered.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Finds everything true that was told: at every node, and in the database.
    ///
    /// # Panics
    /// Where it is not, with all that is wrong.
    pub fn check(&mut self, nodes: &[Server], store: &Store) {
        let nodes = Node::all(nodes);
        let stored = self.recorder.look(store);
        let start = Instant::now();
        let mut wrong = String::new();
        for client in &mut self.clients {
            client.check(&nodes, &stored);
            for fault in client.wrong() {
                let _ = writeln!(wrong, "{fault}");
            }
        }
        for watched in &self.watched {
            for fault in &watched.wrong {
                let _ = writeln!(wrong, "{fault}");
            }
        }
        let events = self.recorder.events();
        for event in events.iter().filter(|event| self.is_hang(event)) {
            let (asked, took) = (&event.asked, event.took());
            let _ = writeln!(wrong, "{took:?} until an answer to {asked:?}");
        }
        for finding in history::check(&events, ELSEWHERE) {
            let _ = writeln!(wrong, "{finding}");
        }
        assert!(wrong.is_empty(), "not what was acknowledged:\n{wrong}");
        println!("all of it was checked in {:?}", start.elapsed());
    }

    fn is_hang(&self, event: &Event) -> bool {
        !self.patient && event.took() > longest(&event.asked)
    }
}

/// An answer while all is well. A busy machine may have no time for a password, which is then
/// refused with a 503.
fn answered(what: &str, mut ask: impl FnMut() -> Option<Reply>) -> Reply {
    clock::within(HANG_WHILE_HASHING, what, || {
        ask().filter(|reply| reply.status != 503)
    })
}

/// How long somebody may wait for the answer.
const fn longest(asked: &Asked) -> Duration {
    match asked {
        Asked::Register { .. } | Asked::LogIn { .. } | Asked::ChangePassword { .. } => {
            HANG_WHILE_HASHING
        }
        Asked::Refresh { .. }
        | Asked::Verify { .. }
        | Asked::LogOut { .. }
        | Asked::LogOutEverywhere { .. }
        | Asked::Rows => HANG,
    }
}
