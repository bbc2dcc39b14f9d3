//! Work for a traced server, what it acknowledged, and what it did meanwhile.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use e2e::history::{Answer, Asked, Event, Given};
use e2e::power::{Step, Trace};
use e2e::{BodyClient, Call, Person, Persona, Server, Setup, process};
use serde_json::json;

/// How many people work at once, so that commits are shared.
const PEOPLE: usize = 3;
/// How often each logs in between two stops of the server, in the short form.
const LOGINS: usize = 4;

/// A run.
pub struct Recording {
    /// Where the server's files were.
    pub directory: PathBuf,
    pub steps: Vec<Step>,
    /// What was acknowledged, in the order in which the answers were sent.
    pub acknowledged: Vec<Acknowledged>,
    /// The text of the master key's file.
    pub master_key: Vec<u8>,
}

/// An answer, and the step that sent it.
pub struct Acknowledged {
    pub step: usize,
    /// With the step as its time.
    pub event: Event,
    /// The hash of the new password, and whose it is.
    pub hash: Option<(String, String)>,
    /// The refresh token.
    pub token: Option<String>,
}

/// What one request came to.
struct Heard {
    request: String,
    asked: Asked,
    answer: Answer,
    hash: Option<(String, String)>,
    token: Option<String>,
}

impl Recording {
    /// A server's first start, work, a stop, work, a kill, work and a stop.
    pub fn make(trace: &Trace, rounds: usize) -> Self {
        let mut server = Setup::sqlite()
            .set("RENEWD_REPLAY_WINDOW", "0")
            .traced(trace)
            .start();
        let mut people: Vec<Worker> = (0..PEOPLE).map(Worker::new).collect();
        for pause in 0..3 {
            thread::scope(|scope| {
                for worker in &mut people {
                    let server = &server;
                    scope.spawn(move || worker.work(server, LOGINS * rounds));
                }
            });
            match pause {
                0 => {
                    server.terminate();
                    server.wait();
                    look_at_it(trace, &server);
                    server.restart();
                }
                1 => server.restart(),
                _ => {}
            }
        }
        let process = server.pid();
        server.terminate();
        server.wait();
        let directory = fs::canonicalize(server.directory()).expect("the directory");
        let steps = trace.steps(&directory, process);
        let heard = people.into_iter().flat_map(|worker| worker.heard);
        Self {
            acknowledged: in_order(&steps, heard),
            master_key: fs::read(directory.join("data/master.key")).expect("a master key"),
            directory,
            steps,
        }
    }
}

/// `renewctl`, traced too, while the server is stopped. Its one connection is certainly the
/// last one to close, which copies the log into the database and removes it; the server's
/// may close at one moment, and leave that to the next start.
fn look_at_it(trace: &Trace, server: &Server) {
    let directory = server.directory();
    let mut command = process::command(trace.program(), &directory, &[]);
    command.args(trace.arguments()).arg(process::renewctl());
    let url = server.store().url();
    let done = process::run_args(&mut command, ["--database-url", &url, "db", "status"]);
    assert_eq!(done.code, Some(0), "{done:?}");
}

/// Finds the step of each answer by the id that it bears.
fn in_order(steps: &[Step], heard: impl Iterator<Item = Heard>) -> Vec<Acknowledged> {
    let mut heard: HashMap<String, Heard> =
        heard.map(|heard| (heard.request.clone(), heard)).collect();
    let mut acknowledged = Vec::new();
    for (step, done) in steps.iter().enumerate() {
        let Step::Send { bytes } = done else {
            continue;
        };
        let text = String::from_utf8_lossy(bytes);
        for part in text.split("x-request-id: ").skip(1) {
            let Some(found) = part.get(..36).and_then(|id| heard.remove(id)) else {
                continue;
            };
            let at = Duration::from_micros(u64::try_from(step).expect("a number of steps"));
            acknowledged.push(Acknowledged {
                step,
                event: Event {
                    node: 0,
                    invoked: at,
                    returned: at,
                    asked: found.asked,
                    answer: found.answer,
                },
                hash: found.hash,
                token: found.token,
            });
        }
    }
    assert!(heard.is_empty(), "{} answers are in no step", heard.len());
    acknowledged
}

/// Somebody who logs in again and again, refreshes, and leaves in every way there is.
struct Worker {
    person: Person,
    changes: usize,
    heard: Vec<Heard>,
}

impl Worker {
    fn new(number: usize) -> Self {
        Self {
            person: Person::named(&format!("worker-{number}")),
            changes: 0,
            heard: Vec::new(),
        }
    }

    fn work(&mut self, server: &Server, logins: usize) {
        let user = self.person.username.clone();
        if self.heard.is_empty() {
            let call = server.call("POST", "/v1/register");
            let call = call.json(self.person.registration());
            self.ask(Asked::Register { user: user.clone() }, call);
        }
        for login in 0..logins {
            let asked = Asked::LogIn {
                user: user.clone(),
                password: self.person.password.clone(),
            };
            let call = server.call("POST", "/v1/login");
            let pair = self.ask(asked, call.json(self.person.credentials()));
            let mut client = BodyClient::with_pair(&server.anonymous(), pair);
            for generation in 0..3 {
                let asked = Asked::Refresh {
                    session: client.session(),
                    generation,
                    thief: false,
                };
                let body = json!({ "refresh_token": client.refresh_token() });
                let call = server.call("POST", "/v1/refresh");
                client.pair = self.ask(asked, call.json(body));
            }
            let session = client.session();
            match login % 4 {
                0 => drop(self.ask(Asked::LogOut { session }, client.call("POST", "/v1/logout"))),
                1 => self.change_password(server, &client),
                2 => {
                    let asked = Asked::LogOutEverywhere { user: user.clone() };
                    self.ask(asked, client.call("POST", "/v1/logout/all"));
                }
                _ => {}
            }
        }
    }

    fn change_password(&mut self, server: &Server, client: &BodyClient) {
        self.changes += 1;
        let user = self.person.username.clone();
        let new = format!("lamp-Quartz-{}-{user}", self.changes);
        let asked = Asked::ChangePassword {
            user: user.clone(),
            to: new.clone(),
        };
        let body = json!({ "current_password": self.person.password, "new_password": new });
        self.ask(asked, client.call("POST", "/v1/me/password").json(body));
        self.person = self.person.clone().with_password(&new);
        // Nobody else changes it: this is the hash that was acknowledged.
        let rest = format!("FROM users WHERE username = '{user}'");
        let hash = server.store().texts("password_hash", &rest).remove(0);
        let last = self.heard.last_mut().expect("the change");
        last.hash = Some((user, hash));
    }

    /// What came, where it is JSON.
    fn ask(&mut self, asked: Asked, call: Call) -> serde_json::Value {
        let reply = call.send();
        assert!(reply.status < 300, "{asked:?}: {}", reply.text());
        let pair: serde_json::Value = serde_json::from_slice(&reply.bytes).unwrap_or_default();
        let token = pair["refresh_token"].as_str().map(str::to_owned);
        self.heard.push(Heard {
            request: reply.header("x-request-id").expect("an id").to_owned(),
            answer: Answer::Yes(token.as_deref().map(Given::of)),
            asked,
            hash: None,
            token,
        });
        pair
    }
}
