//! Several cookies of one name: an older path or domain, or one that another
//! host of the domain tossed in.

use e2e::client::{ACCESS_COOKIE, REFRESH_COOKIE, assert_alive};
use e2e::{Call, Database, Person, Persona, Server, Setup, flows, jwt};
use forge::{Algorithm, Key};

flows!(
    of_one_session_the_newest_counts,
    of_two_sessions_nothing_is_tried
);

fn cookies(call: Call, name: &str, values: &[&str]) -> Call {
    let pairs: Vec<String> = values
        .iter()
        .map(|value| format!("{name}={value}"))
        .collect();
    call.header("cookie", pairs.join("; "))
}

/// S118: an old generation beside the current one is not reuse.
fn of_one_session_the_newest_counts(database: Database) {
    let server = Setup::new(database)
        .set("RENEWD_REPLAY_WINDOW", "0")
        .start();
    let mut browser = Person::registered(&server, "ada").browse(&server);
    let mut chain = vec![(browser.access(), browser.refresh_token())];
    for _ in 0..3 {
        browser.refresh().expect(200);
        chain.push((browser.access(), browser.refresh_token()));
    }
    let access: Vec<&str> = chain.iter().map(|pair| pair.0.as_str()).collect();
    cookies(server.call("GET", "/v1/me"), ACCESS_COOKIE, &access)
        .send()
        .expect(200);

    let refresh: Vec<&str> = chain.iter().rev().map(|pair| pair.1.as_str()).collect();
    let call = cookies(server.call("POST", "/v1/refresh"), REFRESH_COOKIE, &refresh);
    let reply = call.send().expect(200);
    let new: Vec<_> = reply
        .set_cookies()
        .into_iter()
        .filter(|cookie| cookie.name == REFRESH_COOKIE && !cookie.clears())
        .collect();
    assert_eq!(new.len(), 1, "{:?}", reply.headers);
    assert_eq!(jwt::integer(&new[0].value, "gen"), 4);
}

/// S118: tossed junk does not stand in the way of the genuine one.
#[test]
fn junk_beside_the_genuine_one_is_nothing() {
    let server = Server::sqlite();
    let mut browser = Person::registered(&server, "ada").browse(&server);
    let stranger = Key::generate(Algorithm::Es256);
    let (access, refresh) = (browser.access(), browser.refresh_token());
    let (header, claims) = (jwt::header(&access), jwt::claims(&access));
    let tossed = forge::token::sign(&stranger, header.to_string(), claims.to_string());
    for junk in ["", "junk", "a.b.c", &tossed] {
        for values in [[access.as_str(), junk], [junk, access.as_str()]] {
            cookies(server.call("GET", "/v1/me"), ACCESS_COOKIE, &values)
                .send()
                .expect(200);
        }
        for values in [[refresh.as_str(), junk], [junk, refresh.as_str()]] {
            cookies(server.call("POST", "/v1/refresh"), REFRESH_COOKIE, &values)
                .send()
                .expect(200);
        }
    }
    assert_alive(&mut browser);
}

/// S97 S118: two sessions at once: refused, and both live on.
fn of_two_sessions_nothing_is_tried(database: Database) {
    let server = Server::on(database);
    let mut ada = Person::registered(&server, "ada").browse(&server);
    let mut eve = Person::registered(&server, "eve").browse(&server);
    let access = [ada.access(), eve.access()];
    let values: Vec<&str> = access.iter().map(String::as_str).collect();
    let reply = cookies(server.call("GET", "/v1/me"), ACCESS_COOKIE, &values).send();
    reply.problem(400, "ambiguous_credentials");

    let refresh = [ada.refresh_token(), eve.refresh_token()];
    let values: Vec<&str> = refresh.iter().map(String::as_str).collect();
    let reply = cookies(server.call("POST", "/v1/refresh"), REFRESH_COOKIE, &values).send();
    reply.problem(400, "ambiguous_credentials");
    assert_alive(&mut ada);
    assert_alive(&mut eve);
}

/// S118: thousands of cookies are one request like another.
#[test]
fn many_cookies_are_harmless() {
    let server = Server::sqlite();
    let browser = Person::registered(&server, "ada").browse(&server);
    let many = vec!["x"; 500];
    let reply = cookies(server.call("GET", "/v1/me"), ACCESS_COOKIE, &many)
        .send()
        .any_problem();
    assert!([400, 401].contains(&reply.status), "{}", reply.text());
    for odd in [
        "",
        ";;;;",
        "=",
        "=;=",
        "a",
        "\"",
        "__Host-renewd_access",
        "a=b=c; =",
    ] {
        let reply = server
            .call("GET", "/v1/me")
            .header("cookie", odd)
            .send()
            .any_problem();
        assert!(
            [400, 401].contains(&reply.status),
            "{odd:?}: {}",
            reply.text()
        );
    }
    browser.get("/v1/me").expect(200);
}
