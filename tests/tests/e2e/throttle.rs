//! The throttle on logins.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use e2e::{Person, Persona, Reply, Server, Setup};
use serde_json::{Value, json};

fn guess(server: &Server, member: &str, name: &str) -> Reply {
    let mut body = json!({ "password": "not the password 1" });
    body[member] = Value::from(name);
    server.anonymous().post("/v1/login", body)
}

fn assert_throttled(reply: Reply) {
    let reply = reply.expect(429).any_problem();
    let after = reply.header("retry-after").expect("Retry-After");
    let seconds: u64 = after
        .parse()
        .unwrap_or_else(|error| panic!("{after}: {error}"));
    assert!((1..=3600).contains(&seconds), "{after}");
    assert!(reply.set_cookies().is_empty());
}

/// S87 S89: far fewer than a hundred failures, counted over all spellings and
/// both names of the account.
#[test]
fn guesses_on_one_account_are_throttled() {
    let server = Setup::sqlite().set("RENEWD_THROTTLE", "on").start();
    Person::registered(&server, "ada");
    let spellings = [
        ("username", "ada"),
        ("username", "ADA"),
        ("username", "ａｄａ"),
        ("identifier", "Ada"),
        ("email", "ada@example.com"),
        ("email", "ADA@Example.com"),
        ("identifier", "Ada@EXAMPLE.com"),
    ];
    let mut failures = 0;
    let throttled = spellings.iter().cycle().find_map(|(member, name)| {
        let reply = guess(&server, member, name);
        if reply.status == 429 {
            return Some(reply);
        }
        reply.problem(401, "invalid_credentials");
        failures += 1;
        assert!(failures <= 100, "one hundred guesses on one account");
        None
    });
    assert_throttled(throttled.expect("a throttled guess"));
    for (member, name) in spellings {
        assert_throttled(guess(&server, member, name));
    }
}

/// S87: guesses in parallel do not slip through.
#[test]
fn parallel_guesses_do_not_exceed_the_limit() {
    let server = Setup::sqlite().set("RENEWD_THROTTLE", "on").start();
    Person::registered(&server, "ada");
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..40 {
                    let reply = guess(&server, "username", "ada");
                    answered.fetch_add(usize::from(reply.status == 401), Ordering::SeqCst);
                    assert!([401, 429, 503].contains(&reply.status), "{}", reply.text());
                }
            });
        }
    });
    let answered = answered.into_inner();
    assert!(
        (1..=100).contains(&answered),
        "{answered} of 320 guesses were tried"
    );
    assert_throttled(guess(&server, "username", "ada"));
}

/// S88: a throttled account does not end what is open, nor stop other routes.
#[test]
fn open_sessions_go_on_while_logins_are_throttled() {
    let server = Setup::sqlite().set("RENEWD_THROTTLE", "on").start();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    let throttled = (0..=100).any(|_| guess(&server, "username", "ada").status == 429);
    assert!(throttled, "one hundred guesses on one account");
    e2e::client::assert_alive(&mut client);
    client.log_out().expect(204);
}

/// S87: names that nobody has are counted like the others, so that a throttle
/// tells nothing about who exists.
#[test]
fn unknown_names_are_throttled_alike() {
    let server = Setup::sqlite().set("RENEWD_THROTTLE", "on").start();
    Person::registered(&server, "ada");
    let count = |name: &str| {
        (0..=100)
            .find(|_| guess(&server, "username", name).status == 429)
            .expect("a throttle")
    };
    let known = count("ada");
    let unknown = count("nobody");
    // Counted per address as well: the second name cannot have more.
    assert!(unknown <= known, "{unknown} for nobody, {known} for ada");
}

/// `off` is off, for load tests.
#[test]
fn the_throttle_can_be_switched_off() {
    let server = Server::sqlite();
    Person::registered(&server, "ada");
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..30 {
                    guess(&server, "username", "ada").problem(401, "invalid_credentials");
                }
            });
        }
    });
}
