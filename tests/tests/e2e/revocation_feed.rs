//! `GET /v1/revocations`: ended sessions as they end, for services elsewhere.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use e2e::client::registered::basic;
use e2e::events::{Event, Events};
use e2e::{Ctl, Database, Person, Persona, Registered, Server, Setup, clock, flows};

use crate::nodes::start_both;

const PATH: &str = "/v1/revocations";

flows!(
    an_end_is_told_at_once,
    the_whole_memory_comes_first,
    a_reader_goes_on_where_it_was,
);

mod on_nodes {
    use e2e::flows;

    use super::{an_end_at_one_node_is_told_at_the_other, another_node_goes_on, staleness_is_told};

    flows!(postgres: an_end_at_one_node_is_told_at_the_other, another_node_goes_on, staleness_is_told);
}

fn follow(server: &Server, client: &Registered) -> Events {
    follow_from(server, client, "")
}

fn follow_from(server: &Server, client: &Registered, cursor: &str) -> Events {
    let authorization = client.basic();
    let mut headers = vec![("authorization", authorization.as_str())];
    if !cursor.is_empty() {
        headers.push(("last-event-id", cursor));
    }
    let events = Events::open(server, PATH, &headers);
    assert!(events.head.starts_with("HTTP/1.1 200"), "{}", events.head);
    events
}

/// The sessions in events.
fn sessions(events: &[Event]) -> HashSet<String> {
    let of = |event: &Event| {
        event.data["sessions"]
            .as_array()
            .cloned()
            .unwrap_or_default()
    };
    let all = events.iter().flat_map(of);
    all.map(|id| id.as_str().expect("an id").to_owned())
        .collect()
}

/// The delays of so many logouts at `here` until `there` tells of them.
fn delays(here: &Server, there: &Server, rounds: usize) -> Vec<Duration> {
    let ada = Person::registered(here, "ada");
    let events = follow(there, &Registered::new(here, &[]));
    events.first("fresh");
    let mut delays: Vec<Duration> = (0..rounds)
        .map(|_| {
            let mut client = ada.log_in(here);
            let session = client.session();
            client.log_out().expect(204);
            let answered = Instant::now();
            let told = events.until(|event| event.ends(&session));
            told[told.len() - 1].at.saturating_duration_since(answered)
        })
        .collect();
    delays.sort_unstable();
    let (median, max) = (delays[rounds / 2], delays[rounds - 1]);
    println!("{rounds} logouts, from the answer to the event: p50 {median:?}, max {max:?}");
    delays
}

/// S99: at the node where it happens.
fn an_end_is_told_at_once(database: Database) {
    let server = Server::on(database);
    let delays = delays(&server, &server, 20);
    assert!(delays[10] < Duration::from_millis(250), "{delays:?}");
}

/// S99: 250 ms are promised; half of them must be faster on any machine.
fn an_end_at_one_node_is_told_at_the_other(database: Database) {
    let (a, b) = start_both(Setup::new(database));
    let delays = delays(&a, &b, 40);
    assert!(delays[20] < Duration::from_millis(250), "{delays:?}");
}

/// All ends of the retention, then `fresh`, then a heartbeat each second; also after a
/// restart, and of ends by `renewctl`.
fn the_whole_memory_comes_first(database: Database) {
    let mut server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let client = Registered::new(&server, &[]);
    let mut ended = HashSet::new();
    for _ in 0..5 {
        let mut leaves = ada.log_in(&server);
        ended.insert(leaves.session());
        leaves.log_out().expect(204);
    }
    let stays = ada.log_in(&server);
    let by_hand = ada.log_in(&server).session();
    Ctl::of(&server).done(&["session", "end", &by_hand]);
    ended.insert(by_hand.clone());
    let events = follow(&server, &client);
    let mut told = events.until(|event| event.kind == "fresh");
    if !sessions(&told).contains(&by_hand) {
        told.extend(events.until(|event| event.ends(&by_hand)));
    }
    assert_eq!(sessions(&told), ended);
    assert!(!ended.contains(&stays.session()));

    server.restart();
    let events = follow(&server, &client);
    let told = events.until(|event| event.kind == "fresh");
    assert_eq!(sessions(&told), ended);
    let mut last = told[told.len() - 1].at;
    for _ in 0..3 {
        let beat = events.next().expect("a heartbeat");
        assert_eq!(beat.kind, "fresh");
        assert!(
            beat.data["age_ms"].as_u64().expect("an age") < 10_000,
            "{beat:?}"
        );
        assert!(beat.id.starts_with("v1."), "{beat:?}");
        assert!(
            beat.at - last > Duration::from_millis(500),
            "one each second"
        );
        last = beat.at;
    }
}

/// What came after the cursor comes again, if nothing else; an unknown cursor brings all.
fn a_reader_goes_on_where_it_was(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let client = Registered::new(&server, &[]);
    let end = || {
        let mut leaves = ada.log_in(&server);
        leaves.log_out().expect(204);
        leaves.session()
    };
    // Long before the cursor, and so not told again.
    let old = end();
    let when = server.store().time(-100);
    let set = format!("UPDATE sessions SET ended_at = {when} WHERE ended_at IS NOT NULL");
    server.store().execute(&set);
    let mut server = server;
    server.restart();
    let client = client.at(&server);
    let events = follow(&server, &client);
    assert!(sessions(&events.until(|event| event.kind == "fresh")).contains(&old));
    let cursor = events.first("fresh").id;
    drop(events);
    let mut leaves = ada.log_in(&server);
    let missed = leaves.session();
    leaves.log_out().expect(204);
    let told = |cursor: &str| {
        let events = follow_from(&server, &client, cursor);
        sessions(&events.until(|event| event.kind == "fresh"))
    };
    assert_eq!(told(&cursor), HashSet::from([missed.clone()]));
    let all = HashSet::from([old, missed]);
    for unknown in [
        "start",
        "7",
        "v1.1",
        "v1.x",
        "v1.9999999999999999",
        "%00",
        "a b",
    ] {
        assert_eq!(told(unknown), all, "{unknown:?}");
    }
}

/// A node dies, and the other one goes on with whatever ended meanwhile.
fn another_node_goes_on(database: Database) {
    let (mut a, b) = start_both(Setup::new(database));
    let ada = Person::registered(&a, "ada");
    let client = Registered::new(&a, &[]);
    let events = follow(&a, &client);
    let mut cursor = events.first("fresh").id;
    let mut ended = HashSet::new();
    for number in 0..20 {
        let mut leaves = ada.log_in(&b);
        leaves.log_out().expect(204);
        ended.insert(leaves.session());
        if number == 10 {
            cursor = events.first("fresh").id;
        }
    }
    let mut known = HashSet::new();
    a.kill();
    while let Some(event) = events.next() {
        known.extend(sessions(std::slice::from_ref(&event)));
        if event.kind == "fresh" {
            cursor = event.id;
        }
    }
    for _ in 0..5 {
        let mut leaves = ada.log_in(&b);
        leaves.log_out().expect(204);
        ended.insert(leaves.session());
    }
    let events = follow_from(&b, &client.at(&b), &cursor);
    let told = events.until(|event| event.kind == "fresh");
    known.extend(sessions(&told));
    assert!(ended.is_subset(&known), "{ended:?} {known:?}");
}

/// Who cannot say what it knows says so, and goes on when it can.
fn staleness_is_told(database: Database) {
    let server = Setup::new(database)
        .set("RENEWD_FEED_MAX_STALENESS", "2s")
        .start();
    let ada = Person::registered(&server, "ada");
    let client = Registered::new(&server, &[]);
    let mut leaves = ada.log_in(&server);
    let events = follow(&server, &client);
    events.first("fresh");
    server.store().cut_off(true);
    let told = events.until(|event| event.kind == "stale");
    let stale = &told[told.len() - 1];
    assert_eq!(stale.data, serde_json::json!({}));
    let fresh = told.iter().rev().find(|event| event.kind == "fresh");
    // A reader that comes back goes on from what was last known.
    assert!(fresh.is_none_or(|fresh| fresh.id == stale.id), "{told:?}");
    for event in &told {
        if let Some(age) = event.data["age_ms"].as_u64() {
            assert!(age <= 2_001, "older is not fresh: {told:?}");
        }
    }
    server.store().cut_off(false);
    events.first("fresh");
    clock::eventually("the logout", || {
        (leaves.log_out().status == 204).then_some(())
    });
    events.until(|event| event.ends(&leaves.session()));
}

/// S103: for registered clients, and machines whose token is for this.
#[test]
fn only_clients_may_follow() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let client = Registered::new(&server, &["revocations", "other"]);
    let get = || server.call("GET", PATH);
    get().send().problem(401, "access_token_missing");
    get()
        .bearer("junk")
        .send()
        .problem(401, "access_token_invalid");
    let user = ada.log_in(&server).access();
    get()
        .bearer(&user)
        .send()
        .problem(403, "insufficient_scope");
    let for_user = client.log_in(&ada).access();
    get()
        .bearer(&for_user)
        .send()
        .problem(403, "insufficient_scope");
    let reply = get().bearer(&client.token_for("other")).send();
    let reply = reply.problem(403, "insufficient_scope");
    let challenge = reply.header("www-authenticate").expect("a challenge");
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
    for (id, secret) in [
        (client.id.as_str(), "wrong"),
        ("client-00000000000000000000000000000000", &client.secret),
        ("renewd", &client.secret),
        ("", ""),
    ] {
        let reply = get().header("authorization", basic(id, secret)).send();
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (401, "invalid_client")
        );
        let challenge = reply.header("www-authenticate").expect("a challenge");
        assert!(challenge.starts_with("Basic "), "{challenge}");
    }

    let bearer = format!("Bearer {}", client.token());
    let events = Events::open(&server, PATH, &[("authorization", &bearer)]);
    for header in [
        "content-type: text/event-stream",
        "cache-control: no-store",
        "x-content-type-options: nosniff",
        "x-request-id: ",
    ] {
        assert!(events.head.contains(header), "{header}: {}", events.head);
    }
    events.first("fresh");
    let head = server.call("HEAD", PATH);
    let head = head
        .header("authorization", client.basic())
        .send()
        .expect(200);
    assert!(head.bytes.is_empty());
}

/// A stream ends with what it was opened by: the machine's token, or the client.
#[test]
fn a_stream_ends_with_its_client() {
    let server = Server::sqlite();
    let machine = Registered::new(&server, &["revocations"]);
    let token = machine.token();
    let bearer = format!("Bearer {token}");
    let by_token = Events::open(&server, PATH, &[("authorization", &bearer)]);
    by_token.first("fresh");
    machine.revoke(&token).expect(200);
    while by_token.next().is_some() {}

    // By its secret it is as welcome as before.
    let by_secret = follow(&server, &machine);
    by_secret.first("fresh");
    by_secret.first("fresh");
    Ctl::of(&server).done(&["client", "delete", &machine.id]);
    while by_secret.next().is_some() {}
    let gone = server
        .call("GET", PATH)
        .header("authorization", machine.basic());
    assert_eq!(gone.send().code(), "invalid_client");
}

/// S138: open streams do not hold the end up.
#[test]
fn a_stream_ends_with_its_server() {
    let mut server = Server::sqlite();
    let client = Registered::new(&server, &[]);
    let streams: Vec<_> = (0..20).map(|_| follow(&server, &client)).collect();
    for stream in &streams {
        stream.first("fresh");
    }
    let start = Instant::now();
    server.terminate();
    for stream in &streams {
        while stream.next().is_some() {}
    }
    assert_eq!(server.wait(), Some(0));
    println!("the end took {:?}", start.elapsed());
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
}

/// Two hundred and fifty-six and no more, of one client half of them; who
/// goes makes room.
#[test]
fn there_are_only_so_many_streams() {
    let server = Server::sqlite();
    let (client, other) = (Registered::new(&server, &[]), Registered::new(&server, &[]));
    let mut streams: Vec<_> = (0..128).map(|_| follow(&server, &client)).collect();
    let one_more = || {
        server
            .call("GET", PATH)
            .header("authorization", client.basic())
    };
    one_more().send().problem(503, "too_many_streams");
    let others: Vec<_> = (0..128).map(|_| follow(&server, &other)).collect();
    let third = Registered::new(&server, &[]);
    let call = server.call("GET", PATH);
    let call = call.header("authorization", third.basic());
    call.send().problem(503, "too_many_streams");
    drop(others);
    drop(streams.pop());
    clock::eventually("room", || {
        let authorization = client.basic();
        let events = Events::open(&server, PATH, &[("authorization", &authorization)]);
        events.head.starts_with("HTTP/1.1 200").then_some(())
    });
    server.call("GET", "/healthz").send().expect(200);
}
