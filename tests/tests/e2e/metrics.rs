//! `GET /metrics`: what it says, and what it must not say.

#![expect(
    clippy::float_cmp,
    reason = "Prometheus has no other numbers, and these are counts"
)]

mod delay;
mod statements;
mod text;

use std::collections::BTreeMap;

use e2e::{Database, Person, Persona, Server, Setup, flows, jwt};
use serde_json::json;

use self::text::Scrape;

flows!(
    every_metric_is_documented,
    outcomes_are_counted_one_by_one,
    requests_are_counted_by_their_route,
    strangers_make_no_series,
    nobody_is_named,
);

const DOCUMENT: &str = include_str!("../../../docs/metrics.md");

/// The names in the first column of the tables.
fn documented() -> Vec<&'static str> {
    let names = DOCUMENT
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    names.collect()
}

fn every_metric_is_documented(database: Database) {
    let server = Server::on(database);
    let reply = server.call("GET", "/metrics").send().expect(200);
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let head = server.call("HEAD", "/metrics").send().expect(200);
    assert!(head.bytes.is_empty());
    server
        .call("POST", "/metrics")
        .send()
        .problem(405, "method_not_allowed");

    let scrape = Scrape::of(&server);
    let on_postgres = scrape.types.contains_key("renewd_rotations_total");
    let expected: BTreeMap<&str, bool> = documented()
        .into_iter()
        .map(|name| {
            let row = format!("| `{name}`");
            let row = DOCUMENT.lines().find(|line| line.starts_with(&row));
            (name, row.is_some_and(|row| row.contains("PostgreSQL only")))
        })
        .filter(|(_, only_postgres)| on_postgres || !only_postgres)
        .collect();
    let told: Vec<&str> = scrape.types.keys().map(String::as_str).collect();
    assert_eq!(told, expected.into_keys().collect::<Vec<_>>());

    for (series, least) in [
        ("process_resident_memory_bytes", 1e6),
        ("process_open_fds", 5.0),
        ("process_start_time_seconds", 1.7e9),
        ("renewd_storage_connections_open", 2.0),
        ("renewd_storage_commits_total", 1.0),
        ("renewd_hash_queue_limit", 64.0),
    ] {
        assert!(scrape.value(series) >= least, "{series}: {}", scrape.text);
    }
    let wanted = scrape.value("renewd_storage_connections_wanted");
    assert_eq!(scrape.value("renewd_storage_connections_open"), wanted);
    assert!(scrape.value("renewd_revocation_age_seconds") < 10.0);
    assert_eq!(scrape.value("renewd_revocation_ready"), 1.0);
    let keys = server.call("GET", "/.well-known/jwks.json").send().json();
    let kid = keys["keys"][0]["kid"].as_str().expect("a kid");
    let signing = format!("renewd_signing_key_info{{kid=\"{kid}\"}}");
    assert_eq!(scrape.value(&signing), 1.0);
    assert_eq!(scrape.value("renewd_keys_published"), 1.0);
}

/// S44 S46 S50 S53 S99: each thing that happens moves one counter, by one.
fn outcomes_are_counted_one_by_one(database: Database) {
    let server = Server::on(database);
    let before = Scrape::of(&server);
    let ada = Person::registered(&server, "ada");
    server.anonymous().register(&ada).expect(409);
    let wrong = ada.clone().with_password("not-the-Password-9");
    server
        .anonymous()
        .post("/v1/login", wrong.credentials())
        .expect(401);

    let store = server.store();
    let age = format!("UPDATE sessions SET rotated_at = {}", store.time(-120));
    let mut thief = ada.log_in(&server);
    let stolen = thief.refresh_token();
    for _ in 0..3 {
        thief.refresh().expect(200);
        store.execute(&age);
    }
    thief.present(&stolen).problem(401, "refresh_token_reused");
    thief.present(&stolen).problem(401, "session_revoked");

    let mut client = ada.log_in(&server);
    let parent = client.refresh_token();
    client.refresh().expect(200);
    client.refresh().expect(200);
    client.present(&parent).expect(200);
    server
        .anonymous()
        .present("junk")
        .problem(401, "refresh_token_invalid");
    client.log_out().expect(204);
    client.log_out().expect(204);

    let mut newer = ada.log_in(&server);
    newer.refresh().expect(200);
    let older = store.bytes(&"5a".repeat(32));
    let older = format!("{age}, generation = 0, refresh_digest = {older}");
    store.execute(&format!("{older} WHERE ended_at IS NULL"));
    newer.refresh().problem(401, "session_revoked");

    let expired = ada.log_in(&server);
    let past = format!("UPDATE sessions SET expires_at = {}", store.time(-1));
    store.execute(&format!("{past} WHERE ended_at IS NULL"));
    expired
        .present(&expired.refresh_token())
        .problem(401, "session_expired");

    ada.log_in(&server);
    ada.log_in(&server).post("/v1/logout/others").expect(204);
    ada.log_in(&server).post("/v1/logout/all").expect(204);

    let after = Scrape::of(&server);
    let moved = |metric: &str| -> BTreeMap<String, f64> {
        let prefix = format!("{metric}{{");
        let moved = after.since(&before, &prefix);
        let label = |series: String| series.split('"').nth(1).map(str::to_owned);
        moved
            .into_iter()
            .map(|(series, more)| (label(series).expect("a label"), more))
            .collect()
    };
    let expected = |counts: &[(&str, f64)]| -> BTreeMap<String, f64> {
        let counts = counts.iter();
        counts.map(|(name, n)| ((*name).to_owned(), *n)).collect()
    };
    let refreshes = [
        ("rotated", 5.0),
        ("repeated", 1.0),
        ("replayed", 1.0),
        ("reuse", 1.0),
        ("revoked", 1.0),
        ("invalid", 1.0),
        ("state_lost", 1.0),
        ("expired", 1.0),
    ];
    assert_eq!(moved("renewd_refreshes_total"), expected(&refreshes));
    let logins = [("success", 7.0), ("invalid", 1.0)];
    assert_eq!(moved("renewd_logins_total"), expected(&logins));
    let registrations = [("created", 1.0), ("taken", 1.0)];
    assert_eq!(
        moved("renewd_registrations_total"),
        expected(&registrations)
    );
    let ended = [
        ("reuse_detected", 1.0),
        ("logout", 1.0),
        ("state_lost", 1.0),
        // The expired one is ended with the others.
        ("logout_others", 2.0),
        ("logout_all", 2.0),
    ];
    assert_eq!(moved("renewd_sessions_ended_total"), expected(&ended));
    // Each password was hashed or compared once, and none waits.
    let hashed = "renewd_hash_duration_seconds_count";
    assert_eq!(after.value(hashed) - before.value(hashed), 10.0);
    assert_eq!(after.value("renewd_hash_queue_waiting"), 0.0);
    assert_eq!(after.value("renewd_hash_refused_total"), 0.0);
    assert_eq!(after.value("renewd_revocation_set_size"), 7.0);
}

/// Also what never reaches a handler: a foreign page, another method, a request without an answer.
fn requests_are_counted_by_their_route(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let mut client = ada.log_in(&server);
    let before = Scrape::of(&server);
    for _ in 0..3 {
        client.get("/v1/verify").expect(204);
        server.call("GET", "/healthz").send().expect(200);
    }
    server.call("GET", "/v1/verify").send().expect(401);
    server.call("PUT", "/v1/verify").send().expect(405);
    client.refresh().expect(200);
    let session = client.session();
    let path = format!("/v1/me/sessions/{session}");
    client.call("DELETE", &path).send().expect(204);
    server
        .call("POST", "/v1/refresh")
        .cookie(e2e::client::REFRESH_COOKIE, "x")
        .header("sec-fetch-site", "cross-site")
        .send()
        .problem(403, "csrf_rejected");
    let after = Scrape::of(&server);

    let mut expected = BTreeMap::new();
    for (route, method, status, count) in [
        ("/v1/verify", "GET", 204, 3.0),
        ("/healthz", "GET", 200, 3.0),
        ("/v1/verify", "GET", 401, 1.0),
        ("/v1/verify", "PUT", 405, 1.0),
        ("/v1/refresh", "POST", 200, 1.0),
        ("/v1/refresh", "POST", 403, 1.0),
        ("/v1/me/sessions/{id}", "DELETE", 204, 1.0),
        ("/metrics", "GET", 200, 1.0),
    ] {
        let labels = format!(r#"{{route="{route}",method="{method}",status="{status}"}}"#);
        expected.insert(labels, count);
    }
    for metric in [
        "renewd_http_requests_total",
        "renewd_http_request_duration_seconds_count",
    ] {
        let moved = after.since(&before, metric).into_iter();
        let moved: BTreeMap<String, f64> = moved
            .map(|(series, more)| (series[metric.len()..].to_owned(), more))
            .collect();
        assert_eq!(moved, expected, "{metric}");
    }
    // The one that asks.
    assert_eq!(after.value("renewd_http_requests_in_flight"), 1.0);
}

/// Whatever paths, methods and tokens strangers think of, there are no more series than before.
fn strangers_make_no_series(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let client = ada.log_in(&server);
    let stranger = |n: usize| {
        for path in [format!("/nothing/{n}"), format!("/v1/verify/{n}?q={n}")] {
            server.call("GET", &path).send().expect(404);
        }
        let own = format!("/v1/me/sessions/{n}");
        client.call("DELETE", &own).send().expect(404);
        for path in ["/v1/verify", "/metrics"] {
            let method = format!("PURGE{n}");
            server.call(&method, path).send().expect(405);
        }
        server.anonymous().present(&format!("junk{n}")).expect(401);
    };
    stranger(0);
    Scrape::of(&server);
    let names = || Scrape::of(&server).series.into_keys().collect::<Vec<_>>();
    let before = names();
    (1..30).for_each(stranger);
    assert_eq!(names(), before);
    let others = r#"renewd_http_requests_total{route="other",method="GET",status="404"}"#;
    assert_eq!(Scrape::of(&server).value(others), 60.0);
}

/// S136: no person, no session, no token, no secret, wherever it was sent.
#[expect(clippy::needless_pass_by_value, reason = "a flow takes its database")]
fn nobody_is_named(database: Database) {
    const SECRET: &str = "b6Fq_ZtW4nUe0KcXo8RjA2yMhV7pLd1s";
    const OTHER_SECRET: &str = "Yx3-kQ9vTz1LrP0wNe7uHs5dCj2mBg8a";
    for secrets in [false, true] {
        let mut setup = Setup::new(database.clone());
        if secrets {
            setup = setup
                .set("ACCESS_TOKEN_SECRET", SECRET)
                .set("REFRESH_TOKEN_SECRET", OTHER_SECRET);
        }
        let server = setup.start();
        let ada = Person::registered(&server, "ada-lovelace");
        let mut client = ada.log_in(&server);
        client.refresh().expect(200);
        for path in ["/v1/me", "/v1/ada-lovelace", "/v1/verify?t=ada-lovelace"] {
            client.get(path);
        }
        let id = jwt::claims(&client.access())["sub"].clone();
        let ids = [client.session(), id.as_str().expect("an id").to_owned()];
        let session = format!("/v1/me/sessions/{}", ids[0]);
        client.call("DELETE", &session).send().expect(204);
        server
            .anonymous()
            .post(
                "/v1/login",
                json!({ "identifier": ada.email, "password": "x" }),
            )
            .expect(401);

        let text = Scrape::of(&server).text;
        let kid = |token: &str| jwt::header(token)["kid"].as_str().map(str::to_owned);
        let digests = [
            kid(&client.refresh_token()),
            // A published key's name is public; that of a secret is a digest of it.
            kid(&client.access()).filter(|_| secrets),
        ];
        let hidden = [ada.username, ada.email, ada.full_name, ada.password]
            .into_iter()
            .chain(ids)
            .chain(digests.into_iter().flatten())
            .chain([SECRET, OTHER_SECRET, "eyJ", "127.0.0.1"].map(str::to_owned));
        for word in hidden {
            assert!(!text.contains(&word), "{word} in {text}");
        }
        assert_eq!(text.contains("kid="), !secrets, "{text}");
    }
}

/// S98: a refresh that the disk does not take is told apart from one that is refused.
#[test]
fn an_outage_is_counted() {
    let server = Setup::sqlite().with_failing_writes().start();
    let ada = Person::registered(&server, "ada");
    let mut client = ada.log_in(&server);
    let before = Scrape::of(&server);
    server.fail_writes(true);
    client.refresh().expect(503);
    let after = Scrape::of(&server);
    server.fail_writes(false);
    let moved = after.since(&before, "renewd_refreshes_total");
    let unavailable = r#"renewd_refreshes_total{outcome="unavailable"}"#.to_owned();
    assert_eq!(moved, BTreeMap::from([(unavailable, 1.0)]));
}
