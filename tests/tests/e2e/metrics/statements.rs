//! What a refresh costs PostgreSQL, as `/metrics` tells it.

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;

use e2e::{Database, Person, Persona, Server, Setup, flows, raw};
use serde_json::{Value, json};

use super::text::Scrape;

flows!(postgres: refreshes_share_statements);

const CLIENTS: usize = 64;
const REFRESHES: usize = 25;

/// At 64 concurrent refreshes less than a fifth of a statement for each, every one of which rotates.
fn refreshes_share_statements(database: Database) {
    let server = Setup::new(database)
        .set("RENEWD_REPLAY_WINDOW", "0")
        .start();
    let ada = Person::registered(&server, "ada");
    let mut tokens: Vec<String> = (0..CLIENTS)
        .map(|_| ada.log_in(&server).refresh_token())
        .collect();
    let near = refresh_all(&server, &mut tokens);
    println!("beside the database: {near}");
    // Beside the database it depends on who gets the processor how many refreshes come while a
    // statement is under way that takes no time. Here it takes as long as over a slow network, and
    // all others have come when it is done.
    server.store().execute(
        "CREATE FUNCTION far_away() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END'",
    );
    server.store().execute(
        "CREATE TRIGGER far_away AFTER UPDATE ON sessions \
         FOR EACH STATEMENT EXECUTE FUNCTION far_away()",
    );
    let far = refresh_all(&server, &mut tokens);
    println!("50 ms away: {far}");
    assert!(far.statements < 0.2 * far.refreshes, "{far}");
}

/// What many refreshes took.
struct Took {
    statements: f64,
    batches: f64,
    refreshes: f64,
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (statements, batches, refreshes) = (self.statements, self.batches, self.refreshes);
        write!(
            f,
            "{statements} statements in {batches} batches for {refreshes} refreshes, "
        )?;
        write!(f, "{:.3} each", statements / refreshes)
    }
}

/// All clients refresh at the same moment, again and again.
fn refresh_all(server: &Server, tokens: &mut [String]) -> Took {
    let before = Scrape::of(server);
    let start = Barrier::new(tokens.len());
    thread::scope(|scope| {
        for token in tokens.iter_mut() {
            let (mut stream, start) = (server.connect(), &start);
            scope.spawn(move || {
                for _ in 0..REFRESHES {
                    start.wait();
                    *token = refreshed(&mut stream, token);
                }
            });
        }
    });
    let after = Scrape::of(server);
    let counted = |name: &str| after.value(name) - before.value(name);
    let took = Took {
        statements: counted("renewd_rotation_statements_total"),
        batches: counted("renewd_rotation_batches_total"),
        refreshes: counted("renewd_rotations_total"),
    };
    let refreshes = u32::try_from(tokens.len() * REFRESHES).expect("a small number");
    assert_eq!(took.refreshes, f64::from(refreshes));
    took
}

/// Refreshes over a connection that stays open, and answers the new token.
fn refreshed(stream: &mut TcpStream, token: &str) -> String {
    let body = json!({ "refresh_token": token }).to_string();
    let request = raw::post("/v1/refresh", "", &body);
    stream.write_all(request.as_bytes()).expect("a request");
    let head = raw::read_head(stream).to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    let (_, length) = head.split_once("content-length: ").expect("a length");
    let length = length.lines().next().and_then(|line| line.parse().ok());
    let mut body = vec![0; length.expect("a number")];
    stream.read_exact(&mut body).expect("a body");
    let pair: Value = serde_json::from_slice(&body).expect("JSON");
    pair["refresh_token"].as_str().expect("a token").to_owned()
}
