//! kill -9 of a node whose clients go on at the other one.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use e2e::client::assert_alive;
use e2e::database::Store;
use e2e::{BodyClient, Call, Database, Person, Persona, Reply, Server, Setup, clock, flows, jwt};
use serde_json::json;

use super::start_both;

flows!(postgres:
    clients_of_a_killed_node_go_on_at_the_other,
    a_commit_that_its_node_does_not_live_to_see_is_found_at_the_other,
);

/// I2 I4 I7 S54: in the middle of a storm, early and late in it.
fn clients_of_a_killed_node_go_on_at_the_other(database: Database) {
    const KILLED_AFTER: [usize; 5] = [0, 1, 2, 4, 7];
    let mut roaming = Roaming::start(database);
    for acknowledged in KILLED_AFTER {
        roaming.kill_when(|_, heard| heard >= acknowledged);
    }
    let rotations = roaming.clients.len() * KILLED_AFTER.len();
    println!(
        "{} of {rotations} rotations were acknowledged",
        roaming.heard
    );
    assert!(roaming.heard < rotations, "every kill came too late");
    roaming.end();
}

/// I2 I7 S52 S59: the database commits, and nobody is left to tell the client, for
/// whom this is a lost answer: the other node replays it.
fn a_commit_that_its_node_does_not_live_to_see_is_found_at_the_other(database: Database) {
    let mut roaming = Roaming::start(database);
    // At the commit, 20 ms for each session: eight of them stay below the time for
    // which a refresh waits for a row.
    for statement in [
        "CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(0.02); RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER linger AFTER UPDATE ON sessions \
         DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION linger()",
    ] {
        roaming.b.store().execute(statement);
    }
    for _ in 0..4 {
        roaming.kill_when(|store, _| commits_under_way(store));
    }
    println!("{} rotations were done but unheard of", roaming.unheard);
    assert!(roaming.unheard > 0, "no commit outlived its node");
    roaming.end();
}

fn commits_under_way(store: &Store) -> bool {
    let sleeping = "FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event = 'PgSleep'";
    store.texts("count(*)", sleeping) != ["0"]
}

/// The replay window.
const WINDOW: u32 = 2;

/// Two nodes and eight clients, who ask the first node while it lives.
struct Roaming {
    a: Server,
    b: Server,
    clients: Vec<Client>,
    /// How many rotations the first node acknowledged.
    heard: usize,
    /// How many it did without living to acknowledge them.
    unheard: usize,
}

impl Roaming {
    fn start(database: Database) -> Self {
        let setup = Setup::new(database).set("RENEWD_REPLAY_WINDOW", &WINDOW.to_string());
        let (a, b) = start_both(setup);
        let ada = Person::registered(&a, "ada");
        let clients = (0..8).map(|_| Client::new(ada.log_in(&a))).collect();
        Self {
            a,
            b,
            clients,
            heard: 0,
            unheard: 0,
        }
    }

    /// All clients refresh at once, and go on until the node is gone, which is as soon
    /// as `ripe` says so of the database and of the number of acknowledged rotations.
    /// Then they go on at the other node, and the first one comes back.
    fn kill_when(&mut self, ripe: impl Fn(&Store, usize) -> bool) {
        let start = Barrier::new(self.clients.len() + 1);
        let heard = AtomicUsize::new(0);
        thread::scope(|scope| {
            for client in &mut self.clients {
                let (start, heard) = (&start, &heard);
                scope.spawn(move || {
                    start.wait();
                    client.storm(heard);
                });
            }
            start.wait();
            let since = Instant::now();
            // More finely than a poll that sleeps: the moment matters.
            while !ripe(self.b.store(), heard.load(Ordering::SeqCst))
                && since.elapsed() < clock::PATIENCE
            {
                thread::yield_now();
            }
            self.a.kill();
        });
        self.heard += heard.into_inner();
        clock::eventually("the end of what the killed node began", || {
            (!commits_under_way(self.b.store())).then_some(())
        });
        for client in &mut self.clients {
            self.unheard += usize::from(client.go_on_at(&self.b));
        }
        self.a.restart();
        clock::wait_past(clock::now() + f64::from(WINDOW));
    }

    fn end(mut self) {
        for client in &mut self.clients {
            assert_alive(&mut client.app);
        }
    }
}

/// A client that counts its generations.
struct Client {
    app: BodyClient,
    generation: i64,
}

impl Client {
    fn new(app: BodyClient) -> Self {
        Self { app, generation: 0 }
    }

    /// Refreshes until no answer comes. The first answer is a rotation, the others
    /// repeat it.
    fn storm(&mut self, heard: &AtomicUsize) {
        while let Ok(reply) = self
            .with_token(self.app.call("POST", "/v1/refresh"))
            .try_send()
        {
            heard.fetch_add(usize::from(self.take(&reply.expect(200))), Ordering::SeqCst);
        }
    }

    /// Asks another node, and answers whether the database was a generation ahead
    /// of what this client had heard of.
    fn go_on_at(&mut self, node: &Server) -> bool {
        let stored = |client: &Self| -> i64 {
            let generation = node.store().session(&client.app.session(), "generation");
            generation.parse().expect("a number")
        };
        let ahead = stored(self) - self.generation;
        assert!((0..=1).contains(&ahead), "ahead by {ahead}");
        let reply = self.with_token(node.call("POST", "/v1/refresh")).send();
        self.take(&reply.expect(200));
        assert_eq!(stored(self), self.generation);
        ahead == 1
    }

    fn with_token(&self, call: Call) -> Call {
        call.json(json!({ "refresh_token": self.app.refresh_token() }))
    }

    /// Takes a pair over, and answers whether its refresh token is a new one.
    fn take(&mut self, reply: &Reply) -> bool {
        let held = self.app.refresh_token();
        self.app.pair = reply.json();
        let new = self.app.refresh_token() != held;
        self.generation += i64::from(new);
        assert_eq!(
            jwt::integer(&self.app.refresh_token(), "gen"),
            self.generation
        );
        new
    }
}
