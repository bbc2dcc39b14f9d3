//! The end of the process, asked for and not.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use e2e::client::{assert_alive, assert_dead};
use e2e::{Person, Persona, Server, clock, raw};

/// S138: on SIGTERM no new connections, what was begun is finished, exit status 0.
#[test]
fn a_begun_request_is_finished() {
    let mut server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let address = server.address();
    let body = ada.credentials().to_string();
    let asking = "Connection: close\r\nExpect: 100-continue\r\n";
    let request = raw::post("/v1/login", asking, &body);
    let (head, _) = request.split_at(request.len() - body.len());

    // Whoever says that the body may come has begun with the request.
    let mut stream = server.connect();
    stream.write_all(head.as_bytes()).expect("sent");
    assert_eq!(raw::read_head(&mut stream), "HTTP/1.1 100 Continue\r\n\r\n");
    server.terminate();
    clock::eventually("a closed door", || {
        TcpStream::connect(address).is_err().then_some(())
    });
    let reply = raw::exchange(stream, body.as_bytes(), clock::PATIENCE);
    assert_eq!(reply.status(), 200, "{reply:?}");
    assert_eq!(server.wait(), Some(0));

    server.restart();
    assert_eq!(
        server.store().live_sessions(),
        1,
        "what was answered is in the database"
    );
}

/// Idle connections do not hold it up, nor does a client that never finishes.
#[test]
fn idle_connections_do_not_hold_it_up() {
    let mut server = Server::sqlite();
    let mut idle = server.connect();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect("sent");
    let unused = server.connect();
    server.call("GET", "/healthz").send().expect(200);
    let start = Instant::now();
    server.terminate();
    assert_eq!(server.wait(), Some(0));
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "{:?}",
        start.elapsed()
    );
    drop((idle, unused));
}

/// S138: nothing acknowledged before SIGTERM is missing afterwards.
#[test]
fn a_shutdown_loses_nothing() {
    let mut server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let (mut stays, left) = (ada.log_in(&server), ada.log_in(&server));
    stays.refresh().expect(200);
    left.call("POST", "/v1/logout").send().expect(204);
    server.terminate();
    assert_eq!(server.wait(), Some(0));
    server.restart();
    assert_alive(&mut stays);
    assert_dead(&left);
}
