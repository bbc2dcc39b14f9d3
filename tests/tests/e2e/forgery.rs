//! Tokens that this server did not make, or not like this, at every place that
//! takes one.

use std::time::{Duration, Instant};

use e2e::client::{ACCESS_COOKIE, REFRESH_COOKIE, assert_alive, assert_dead};
use e2e::{BodyClient, Database, Person, Persona, Reply, Server, flows, jwt};
use serde_json::{Value, json};

flows!(
    forged_access_tokens_are_refused,
    forged_refresh_tokens_are_refused_without_effect
);

/// Everything that is not the token itself, made from it.
fn forgeries(token: &str) -> Vec<(String, String)> {
    let (header, claims) = (jwt::header(token), jwt::claims(token));
    let signature = jwt::signature(token);
    let with = |name: &str, value: Value| {
        let mut header = header.clone();
        header[name] = value;
        header
    };
    let forger = jwt::Forger::new();
    let mut all = Vec::new();
    for alg in [
        "none", "None", "nOnE", "none ", "", "HS384", "RS256", "EdDSA",
    ] {
        let header = with("alg", json!(alg));
        all.push((
            format!("alg {alg:?} unsigned"),
            jwt::assemble(&header, &claims, ""),
        ));
        all.push((
            format!("alg {alg:?} signed"),
            jwt::assemble(&header, &claims, signature),
        ));
    }
    let kid = header["kid"].as_str().unwrap_or_default().to_owned();
    for (what, key) in [("kid", kid.as_bytes()), ("empty key", b"".as_slice())] {
        let header = with("alg", json!("HS256"));
        all.push((
            format!("HMAC by {what}"),
            jwt::sign_hs256(&header, &claims, key),
        ));
    }
    let es256 = with("alg", json!("ES256"));
    all.push(("another's key".into(), forger.sign(&es256, &claims)));
    let mut embedded = es256.clone();
    embedded["jwk"] = forger.jwk();
    all.push(("an embedded key".into(), forger.sign(&embedded, &claims)));
    let mut referred = es256;
    referred["jku"] = json!("http://127.0.0.1:9/keys");
    referred["x5u"] = json!("http://127.0.0.1:9/chain");
    all.push(("a key elsewhere".into(), forger.sign(&referred, &claims)));
    for kid in [
        json!("unknown"),
        json!(7),
        json!("../../dev/null"),
        json!("' OR 1=1 --"),
        json!("a\u{0}b\n"),
        json!("k".repeat(3000)),
        Value::Null,
    ] {
        let text = jwt::assemble(&with("kid", kid.clone()), &claims, signature);
        all.push((format!("kid {:.20}", kid.to_string()), text));
    }
    let mut promoted = claims.clone();
    promoted["roles"] = json!(["admin"]);
    promoted["jti"] = json!(jwt::encode([5; 32]));
    all.push((
        "other claims".into(),
        jwt::assemble(&header, &promoted, signature),
    ));
    all.extend(damaged(token));
    all
}

/// The text itself damaged.
fn damaged(token: &str) -> Vec<(String, String)> {
    let (input, signature) = token.rsplit_once('.').expect("a signature");
    let mut all = vec![
        ("no signature".into(), format!("{input}.")),
        ("two segments".into(), input.to_owned()),
        ("four segments".into(), format!("{token}.AAAA")),
        ("appended".into(), format!("{token}A")),
        ("padded".into(), format!("{token}=")),
        ("a quotation".into(), format!("\"{token}\"")),
        ("another case".into(), token.to_lowercase()),
        ("percent-encoded".into(), token.replace('.', "%2E")),
        (
            "zeros for a signature".into(),
            format!("{input}.{}", jwt::encode([0; 64])),
        ),
        ("nothing but dots".into(), "..".into()),
        (
            "JSON".into(),
            json!({ "payload": input, "signature": signature }).to_string(),
        ),
    ];
    for cut in [1, 2, 3, 10, 40] {
        all.push((
            format!("cut by {cut}"),
            token[..token.len() - cut].to_owned(),
        ));
    }
    // Every twentieth character replaced by another of the alphabet.
    for at in (0..token.len())
        .step_by(20)
        .filter(|at| token.as_bytes()[*at] != b'.')
    {
        let other = if token.as_bytes()[at] == b'A' {
            "B"
        } else {
            "A"
        };
        let mut text = token.to_owned();
        text.replace_range(at..=at, other);
        all.push((format!("altered at {at}"), text));
    }
    all
}

fn refused(reply: Reply, code: &str, what: &str) -> Reply {
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (401, code),
        "{what}: {}",
        reply.text()
    );
    reply.any_problem()
}

/// S1 S3 S4 S6 S14 S16 S17 S65: at header and cookie, one answer for all.
fn forged_access_tokens_are_refused(database: Database) {
    let server = Server::on(database);
    let mut client = Person::registered(&server, "ada").log_in(&server);
    let swapped = ("a refresh token".to_owned(), client.refresh_token());
    for (what, token) in forgeries(&client.access())
        .into_iter()
        .chain([swapped.clone()])
    {
        for path in ["/v1/verify", "/v1/me"] {
            let header = server.call("GET", path).bearer(&token).send();
            refused(header, "access_token_invalid", &what);
        }
        // A cookie cannot hold quotation marks, commas or white space.
        if !token.contains(['"', ',', ' ']) {
            let cookie = server
                .call("GET", "/v1/me")
                .cookie(ACCESS_COOKIE, &token)
                .send();
            refused(cookie, "access_token_invalid", &what);
        }
        // At logout a refresh token is a good one.
        if what != swapped.0 {
            let left = server.call("POST", "/v1/logout").bearer(&token).send();
            assert_eq!(left.any_problem().status, 401, "{what} logs out");
        }
    }
    assert_alive(&mut client);
}

/// I8 S65 S66 S67: no session is ended, changed or told apart by a forgery.
fn forged_refresh_tokens_are_refused_without_effect(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let mut client = ada.log_in(&server);
    client.refresh().expect(200);
    let row = |client: &BodyClient| {
        let columns = format!(
            "generation || ' ' || {}",
            server.store().hex("refresh_digest")
        );
        server.store().session(&client.session(), &columns)
    };
    let before = row(&client);
    let swapped = ("an access token".to_owned(), client.access());
    for (what, token) in forgeries(&client.refresh_token())
        .into_iter()
        .chain([swapped])
    {
        refused(client.present(&token), "refresh_token_invalid", &what);
        if !token.contains(['"', ',', ' ']) {
            let cookie = server
                .call("POST", "/v1/refresh")
                .cookie(REFRESH_COOKIE, &token)
                .send();
            refused(cookie, "refresh_token_invalid", &what);
        }
    }
    assert_eq!(row(&client), before);
    assert_alive(&mut client);
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
        refused(live.present(&token), "refresh_token_invalid", "a guess").json()
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

/// S19: sizes are looked at before anything else.
#[test]
fn huge_tokens_are_refused_quickly() {
    let server = Server::sqlite();
    let dots = ".".repeat(1_000_000);
    let start = Instant::now();
    // In a body it is over the limit of bodies, in a header over that of headers.
    let body = server.anonymous().present(&dots);
    assert_eq!(body.any_problem().status, 413);
    let body = server.anonymous().present(&".".repeat(60_000));
    assert_eq!(body.any_problem().status, 401);
    let long = format!(
        "{}.{}.{}",
        "A".repeat(20_000),
        "A".repeat(20_000),
        "A".repeat(20_000)
    );
    let header = server.call("GET", "/v1/verify").bearer(&long).send();
    assert!(
        [400, 401, 431].contains(&header.status),
        "{}",
        header.status
    );
    let raw = format!("GET /v1/verify HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {dots}\r\n\r\n");
    let raw = e2e::raw::exchange(server.connect(), raw.as_bytes(), Duration::from_secs(3));
    assert!(
        [0, 400, 401, 431].contains(&raw.status()),
        "{}",
        raw.status()
    );
    assert!(
        start.elapsed() < Duration::from_secs(8),
        "{:?}",
        start.elapsed()
    );
    server.call("GET", "/healthz").send().expect(200);
}
