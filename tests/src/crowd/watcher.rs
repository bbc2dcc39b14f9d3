//! Somebody who verifies one good access token at one node again and again.

use std::thread;
use std::time::{Duration, Instant};

use crate::clock::Over;
use crate::{Anonymous, BodyClient, Person, Persona};

const PAUSE: Duration = Duration::from_millis(20);

/// The watcher of a node.
#[derive(Debug)]
pub(super) struct Watcher {
    client: BodyClient,
    number: usize,
}

/// What it saw.
#[derive(Debug)]
pub struct Watched {
    /// When it was asked, and what the answer was; silence is not kept.
    pub answers: Vec<(Instant, u16)>,
    /// Answers that are wrong whatever else fails.
    pub wrong: Vec<String>,
}

impl Watched {
    /// How many answers had this status.
    pub fn count(&self, status: u16) -> usize {
        let had = self.answers.iter().filter(|(_, had)| *had == status);
        had.count()
    }
}

impl Watcher {
    pub(super) fn new(node: &Anonymous, number: usize) -> Self {
        let person = Person::named(&format!("watcher-{number}"));
        super::answered("a registration", || Some(node.register(&person))).expect(201);
        let login = || Some(node.post("/v1/login", person.credentials()));
        let pair = super::answered("a login", login).json();
        let client = BodyClient::with_pair(node, pair);
        Self { client, number }
    }

    pub(super) fn watch(self, over: &Over) -> Watched {
        let mut watched = Watched {
            answers: Vec::new(),
            wrong: Vec::new(),
        };
        while !over.is_over() {
            let asked = Instant::now();
            if let Ok(reply) = self.client.call("GET", "/v1/verify").try_send() {
                // Never a false 401: the token is good.
                if !matches!(reply.status, 204 | 503) {
                    let (status, code) = (reply.status, reply.code());
                    watched
                        .wrong
                        .push(format!("verify at node {}: {status} {code}", self.number));
                }
                if reply.status == 503 && reply.header("retry-after").is_none() {
                    let wrong = "verify: a 503 without Retry-After".to_owned();
                    watched.wrong.push(wrong);
                }
                watched.answers.push((asked, reply.status));
            }
            thread::sleep(PAUSE);
        }
        watched
    }
}
