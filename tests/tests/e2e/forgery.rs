//! Tokens that this server did not make, or not like this, at every place that takes one: what an
//! outsider can make of a genuine token and the published keys.

use std::io::Write;
use std::time::Duration;

use e2e::client::{assert_alive, assert_dead};
use e2e::consumers::{Consumer, Kind, World, consumers, state};
use e2e::{Database, Listener, Person, Persona, Reply, Server, Setup, flows, jwt};
use forge::outsider::{self, Outsider, cuts, flips};
use forge::{Algorithm, Case, Key, Verdict};
use serde_json::{Value, json};

flows!(
    forged_access_tokens_are_refused,
    forged_refresh_tokens_are_refused_without_effect
);

/// Tokens longer than this do not reach the verifier: the head of a request and its body have
/// limits of their own, which [`huge_tokens_are_refused_quickly`] tries.
const LONGEST_CARRIED: usize = 50_000;

/// The JWK that the server publishes for the key of this token.
fn published(server: &Server, token: &str) -> Value {
    let set = server
        .call("GET", "/.well-known/jwks.json")
        .send()
        .expect(200)
        .json();
    let kid = jwt::header(token)["kid"].clone();
    let keys = set["keys"].as_array().expect("keys");
    let key = keys.iter().find(|key| key["kid"] == kid);
    key.unwrap_or_else(|| panic!("no {kid} in {set}")).clone()
}

/// Presents every case at every place that takes the kind, and says how often.
fn present_all(server: &Server, world: &World, kinds: &[Kind], cases: &[Case]) -> usize {
    let mut presented = 0;
    let places = consumers();
    for consumer in places
        .iter()
        .filter(|consumer| kinds.contains(&consumer.takes))
    {
        let session = world.session(consumer.takes);
        for case in cases
            .iter()
            .filter(|case| case.token.len() < LONGEST_CARRIED)
        {
            // What is good would do its work, and the matrix tries that.
            let is_bad = case.verdict != Verdict::Accepted;
            if is_bad && consumer.carrier.carries(&case.token) {
                let reply = consumer.present(server, &session, &case.token);
                refused(reply, consumer, &case.name, &case.token);
                presented += 1;
            }
        }
    }
    presented
}

/// The one answer that there is to a token that is not good. An empty one is none.
fn refused(reply: Reply, consumer: &Consumer, what: &str, token: &str) {
    let told = (reply.status, reply.code());
    let invalid = (401, consumer.invalid().to_owned());
    let missing = (401, consumer.invalid().replace("_invalid", "_missing"));
    assert!(
        told == invalid || token.is_empty() && told == missing,
        "{} with {what}: {told:?} {}",
        consumer.name(),
        reply.text()
    );
    reply.any_problem();
}

/// S1 S2 S3 S4 S6 S14 S15 S16 S17 S65: at every place, by header and cookie, one answer for all;
/// nobody is asked for a key, nothing is written.
fn forged_access_tokens_are_refused(database: Database) {
    refuse_forgeries(&Server::on(database), Algorithm::Es256);
}

/// S1 S2 S3 S4 S6 S14 S15: likewise under the other algorithms of managed keys.
#[test]
fn forgeries_are_refused_under_other_algorithms() {
    for algorithm in [Algorithm::EdDsa, Algorithm::Rs256] {
        let setup = Setup::sqlite().set("RENEWD_ACCESS_TOKEN_ALG", algorithm.name());
        refuse_forgeries(&setup.start(), algorithm);
    }
}

fn refuse_forgeries(server: &Server, algorithm: Algorithm) {
    let world = World::new(server, "ada");
    let listener = Listener::new();
    let token = world.token(Kind::Access);
    assert_eq!(jwt::header(&token)["alg"], algorithm.name());
    let cases = outsider::cases(&Outsider {
        token: &token,
        jwk: Some(&published(server, &token)),
        key: &Key::generate(algorithm),
        elsewhere: &listener.url(),
    });
    let before = state(server);
    let presented = present_all(server, &world, &[Kind::Access], &cases);
    assert!(presented > 3_000, "{presented}");
    assert_eq!(state(server), before);
    listener.assert_silent();
    let verify = server.call("GET", "/v1/verify");
    verify.bearer(&token).send().expect(204);
}

/// I8 S65 S66 S67: no session is ended, changed or told apart by a forgery.
fn forged_refresh_tokens_are_refused_without_effect(database: Database) {
    let server = Server::on(database);
    let world = World::new(&server, "ada");
    let listener = Listener::new();
    let before = state(&server);
    for kind in [Kind::Refresh, Kind::RefreshCookie] {
        let token = world.token(kind);
        let cases = outsider::cases(&Outsider {
            token: &token,
            jwk: None,
            key: &Key::generate(Algorithm::Hs256),
            elsewhere: &listener.url(),
        });
        let presented = present_all(&server, &world, &[kind], &cases);
        assert!(presented > 300, "{presented}");
    }
    assert_eq!(state(&server), before);
    listener.assert_silent();
}

/// S14 S25 S66: no bit of either token is without meaning, and neither is any part of one enough;
/// also where the genuine one was accepted a moment ago.
#[test]
fn every_bit_of_both_tokens_counts() {
    let server = Server::sqlite();
    let world = World::new(&server, "ada");
    let before = state(&server);
    let verify = || {
        let call = server.call("GET", "/v1/verify");
        call.bearer(&world.token(Kind::Access)).send().expect(204);
    };
    verify();
    for (kind, path) in [(Kind::Access, "/v1/verify"), (Kind::Refresh, "/v1/refresh")] {
        let token = world.token(kind);
        let places = consumers();
        let consumer = places
            .iter()
            .find(|consumer| consumer.takes == kind && consumer.route.1 == path)
            .expect("the place");
        let carried = flips(&token)
            .chain(cuts(&token))
            .filter(|(_, altered)| consumer.carrier.carries(altered));
        for (what, altered) in carried {
            let reply = consumer.present(&server, "", &altered);
            refused(reply, consumer, &what, &altered);
        }
    }
    verify();
    assert_eq!(state(&server), before);
}

/// I8 S67 S68: a guess about a live, an ended and an unknown session gets one and
/// the same answer.
#[test]
fn a_guess_learns_nothing_about_a_session() {
    let server = Server::sqlite();
    let ada = Person::registered(&server, "ada");
    let (mut live, ended) = (ada.log_in(&server), ada.log_in(&server));
    ended.call("POST", "/v1/logout").send().expect(204);
    let guess = |sid: &Value, generation: u64| {
        let mut claims = jwt::claims(&live.refresh_token());
        claims["sid"] = sid.clone();
        claims["gen"] = json!(generation);
        let header = jwt::header(&live.refresh_token());
        let token = jwt::sign_hs256(&header, &claims, b"not the key of this server, by far");
        live.present(&token)
            .problem(401, "refresh_token_invalid")
            .json()
    };
    let sids = [&live, &ended].map(|client| jwt::claims(&client.refresh_token())["sid"].clone());
    let unknown = json!("018f0000-0000-7000-8000-000000000000");
    let answers = [
        guess(&sids[0], 0),
        guess(&sids[0], 9),
        guess(&sids[1], 0),
        guess(&unknown, 0),
    ];
    for answer in &answers {
        assert_eq!(answer, &answers[0]);
    }
    assert_alive(&mut live);
    assert_dead(&ended);
}

/// S19 CVE-2025-30204 CVE-2025-61920: sizes are looked at before anything else.
#[test]
fn huge_tokens_are_refused_quickly() {
    let server = Server::sqlite();
    let dots = ".".repeat(1_000_000);
    // In a body it is over the limit of bodies, in a header over that of headers.
    let body = server.anonymous().present(&dots);
    assert_eq!(body.any_problem().status, 413);
    let body = server.anonymous().present(&".".repeat(60_000));
    assert_eq!(body.any_problem().status, 401);
    let long = format!("{0}.{0}.{0}", "A".repeat(20_000));
    let header = server.call("GET", "/v1/verify").bearer(&long).send();
    header.problem(401, "access_token_invalid");
    let raw = format!("GET /v1/verify HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {dots}\r\n\r\n");
    let raw = e2e::raw::exchange(server.connect(), raw.as_bytes(), Duration::from_secs(3));
    assert!([0, 400, 431].contains(&raw.status()), "{}", raw.status());
    server.call("GET", "/healthz").send().expect(200);
}

/// S19: who sends a header of 100 MB is cut off long before its end.
#[test]
fn a_hundred_megabytes_of_header_are_not_read() {
    const WHOLE: usize = 100_000_000;
    let server = Server::sqlite();
    let mut stream = server.connect();
    stream
        .set_write_timeout(Some(e2e::clock::PATIENCE))
        .expect("a write timeout");
    stream
        .write_all(b"GET /v1/verify HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ")
        .expect("a beginning");
    let chunk = vec![b'A'; 65_536];
    let mut written = 0;
    while written < WHOLE && stream.write_all(&chunk).is_ok() {
        written += chunk.len();
    }
    // What the two sockets buffer is not yet read by anybody.
    assert!(written < WHOLE / 5, "{written} bytes were taken");
    server.call("GET", "/healthz").send().expect(200);
}

/// S18: what is not even text arrives as something to refuse, not to stumble over.
#[test]
fn bytes_that_are_no_text_are_refused() {
    let server = Server::sqlite();
    for bytes in [
        &b"\xff\xfe\xfd"[..],
        b"a.\x80.b",
        b"\xed\xa0\x80",
        b"\xc0\xaf.\xc0\xaf.\xc0\xaf",
    ] {
        for (before, code) in [
            (&b"Authorization: Bearer "[..], "access_token_invalid"),
            (b"Cookie: __Host-renewd_access=", "access_token_missing"),
        ] {
            let head = b"GET /v1/verify HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
            let request = [head, before, bytes, b"\r\n\r\n"].concat();
            let reply = e2e::raw::exchange(server.connect(), &request, e2e::clock::PATIENCE);
            assert_eq!(reply.status(), 401, "{bytes:?}: {}", reply.text);
            assert!(reply.text.contains(code), "{bytes:?}: {}", reply.text);
        }
    }
}
