//! Time: the access token's end, the idle end, the absolute end, and the two
//! policies.

use e2e::client::REFRESH_COOKIE;
use e2e::{Database, Person, Setup, Transport, clock, flows, jwt};

flows!(
    an_expired_access_token_says_so_and_a_refresh_cures_it,
    a_sliding_session_moves_its_idle_end,
    a_fixed_session_keeps_its_first_end,
    an_idle_session_ends,
    no_token_outlives_the_absolute_end,
);

/// S11 S122: told as expired, with the challenge of RFC 6750; in both transports.
fn an_expired_access_token_says_so_and_a_refresh_cures_it(database: Database) {
    let server = Setup::new(database)
        .set("ACCESS_TOKEN_EXPIRY", "2s")
        .start();
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(&server, transport);
        client.get("/v1/verify").expect(204);
        let access = client.access();
        assert_eq!(
            jwt::integer(&access, "exp") - jwt::integer(&access, "iat"),
            2
        );
        clock::wait_past(jwt::time(&access, "exp"));
        for path in ["/v1/me", "/v1/verify", "/v1/me/sessions"] {
            let reply = client.get(path).problem(401, "access_token_expired");
            let challenge = reply.header("www-authenticate").expect("a challenge");
            assert!(
                challenge.contains(r#"error="invalid_token""#),
                "{challenge}"
            );
            assert!(
                reply.set_cookies().is_empty(),
                "a refresh is still possible"
            );
        }
        client.refresh().expect(200);
        client.get("/v1/me").expect(200);
    }
}

/// Each rotation moves the idle end on.
fn a_sliding_session_moves_its_idle_end(database: Database) {
    let server = Setup::new(database)
        .set("RENEWD_REPLAY_WINDOW", "0")
        .set("REFRESH_TOKEN_EXPIRY", "1h")
        .start();
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(&server, transport);
        let first = jwt::integer(&client.refresh_token(), "exp");
        clock::wait_past(jwt::time(&client.refresh_token(), "iat") + 1.0);
        let reply = client.refresh().expect(200);
        let second = jwt::integer(&client.refresh_token(), "exp");
        assert!(second > first, "{second} after {first}");
        assert_eq!(reply.json()["refresh_expires_in"], 3600);
        if transport == Transport::Cookie {
            assert_eq!(
                reply.set_cookie(REFRESH_COOKIE).attribute("Max-Age"),
                Some("3600")
            );
        }
    }
}

/// The refresh token rotates, but keeps the first expiry; the cookies' ages shrink.
fn a_fixed_session_keeps_its_first_end(database: Database) {
    let server = Setup::new(database)
        .set("RENEWD_REPLAY_WINDOW", "0")
        .set("REFRESH_TOKEN_EXPIRY", "5s")
        .set("ACCESS_TOKEN_EXPIRY", "1s")
        .set("RENEWD_REFRESH_POLICY", "fixed")
        .start();
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(&server, transport);
        let first = client.refresh_token();
        let end = jwt::integer(&first, "exp");
        clock::wait_past(jwt::time(&first, "iat") + 2.0);
        let reply = client.refresh().expect(200);
        assert_ne!(client.refresh_token(), first);
        assert_eq!(jwt::integer(&client.refresh_token(), "exp"), end);
        let left = reply.json()["refresh_expires_in"]
            .as_i64()
            .expect("seconds");
        assert!((1..=3).contains(&left), "{left} of 5 seconds");
        if transport == Transport::Cookie {
            let age = reply.set_cookie(REFRESH_COOKIE);
            assert_eq!(age.attribute("Max-Age"), Some(left.to_string().as_str()));
        }
        clock::wait_past(jwt::time(&first, "exp"));
        client.refresh().problem(401, "refresh_token_expired");
    }
}

/// S61: unused for its lifetime, the refresh token is refused by the server, not
/// by the cookie's age; both cookies go.
fn an_idle_session_ends(database: Database) {
    let server = Setup::new(database)
        .set("REFRESH_TOKEN_EXPIRY", "2s")
        .start();
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(&server, transport);
        let token = client.refresh_token();
        clock::wait_past(jwt::time(&token, "exp"));
        let reply = client.refresh().problem(401, "refresh_token_expired");
        if transport == Transport::Cookie {
            assert_eq!(reply.set_cookies().len(), 2);
            assert!(reply.set_cookies().iter().all(e2e::SetCookie::clears));
        }
        client.present(&token).problem(401, "refresh_token_expired");
    }
}

/// I6 S60: whatever is refreshed, nothing is accepted past the first deadline.
fn no_token_outlives_the_absolute_end(database: Database) {
    let server = Setup::new(database)
        .set("RENEWD_REPLAY_WINDOW", "0")
        .set("RENEWD_SESSION_MAX_AGE", "4s")
        .set("REFRESH_TOKEN_EXPIRY", "3s")
        .start();
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(&server, transport);
        let max = jwt::integer(&client.refresh_token(), "max");
        let start = jwt::integer(&client.refresh_token(), "iat");
        let deadline = jwt::time(&client.refresh_token(), "max");
        assert!((4..=5).contains(&(max - start)), "{max} after {start}");
        let end = clock::eventually("the absolute end", || {
            for token in [client.access(), client.refresh_token()] {
                assert!(jwt::integer(&token, "exp") <= max);
            }
            assert_eq!(jwt::integer(&client.refresh_token(), "max"), max);
            let access = client.access();
            let reply = client.refresh();
            (reply.status != 200).then_some((reply, access))
        });
        assert!(clock::now() >= deadline);
        assert!(["refresh_token_expired", "session_expired"].contains(&end.0.code().as_str()));
        let me = server.call("GET", "/v1/me").bearer(&end.1).send();
        if transport == Transport::Body {
            me.problem(401, "access_token_expired");
        }
    }
}
