//! PROTOCOL.md's decision table: what becomes of a refresh token that is not
//! simply the current one. The rows of replay and repeat are in `rotation`.

use e2e::client::{assert_alive, assert_dead};
use e2e::{Ctl, Database, Person, Persona, Server, Setup, Transport, clock, flows, jwt};

use crate::rotation::successor;

flows!(
    reuse_without_a_window_ends_the_session,
    a_late_parent_is_reuse,
    a_grandparent_is_reuse_inside_the_window,
    reuse_stays_detected_over_a_crash,
    a_late_recovery_is_granted_once,
    a_restored_row_ends_the_session,
    a_row_that_does_not_fit_refuses_and_changes_nothing,
    an_ended_or_expired_row_is_told_apart,
    the_wrong_transport_is_refused,
);

fn setup(database: Database, window: &str) -> Setup {
    Setup::new(database).set("RENEWD_REPLAY_WINDOW", window)
}

/// S46 S48 S53: any older token ends the session, whichever; then every token of
/// the chain is refused, in any order, and so is the access token.
fn reuse_without_a_window_ends_the_session(database: Database) {
    let server = setup(database, "0").start();
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        for depth in [1, 2, 4] {
            let mut client = ada.log_in_by(&server, transport);
            let mut chain = vec![client.refresh_token()];
            for _ in 0..4 {
                client.refresh().expect(200);
                chain.push(client.refresh_token());
            }
            let reused = client
                .present(&chain[4 - depth])
                .problem(401, "refresh_token_reused");
            if transport == Transport::Cookie {
                assert!(reused.set_cookies().iter().all(e2e::SetCookie::clears));
                assert_eq!(reused.set_cookies().len(), 2);
            }
            for token in chain.iter().rev() {
                client.present(token).problem(401, "session_revoked");
            }
            assert_dead(client.as_ref());
            assert_eq!(
                server.store().session(&client.session(), "end_reason"),
                "reuse_detected"
            );
        }
    }
}

/// S46 S51: within the window the parent gives the identical successor, and a
/// replay does not extend the window; after it, `strict` calls it reuse.
fn a_late_parent_is_reuse(database: Database) {
    let server = setup(database, "1s").start();
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        let mut client = ada.log_in_by(&server, transport);
        let parent = client.refresh_token();
        client.refresh().expect(200);
        let late = clock::eventually("the end of the window", || {
            let reply = client.present(&parent);
            if reply.status == 200 {
                assert_eq!(successor(&reply, transport), Some(client.refresh_token()));
                return None;
            }
            Some(reply)
        });
        late.problem(401, "refresh_token_reused");
        assert_dead(client.as_ref());
    }
}

/// S49: the window is for the direct parent alone.
fn a_grandparent_is_reuse_inside_the_window(database: Database) {
    let server = setup(database, "1s").start();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    let grandparent = client.refresh_token();
    client.refresh().expect(200);
    let parent = client.refresh_token();
    clock::eventually("the second rotation", || {
        client.refresh().expect(200);
        (client.refresh_token() != parent).then_some(())
    });
    client
        .present(&grandparent)
        .problem(401, "refresh_token_reused");
    client.present(&parent).problem(401, "session_revoked");
    assert_dead(&client);
}

/// I3 S47 S54: the end is committed before the error is answered.
fn reuse_stays_detected_over_a_crash(database: Database) {
    let mut server = setup(database, "0").start();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    let old = client.refresh_token();
    client.refresh().expect(200);
    client.present(&old).problem(401, "refresh_token_reused");
    server.kill();
    server.restart();
    assert_dead(&client);
    client.present(&old).problem(401, "session_revoked");
    assert_eq!(
        server.store().session(&client.session(), "end_reason"),
        "reuse_detected"
    );
}

/// Policy `recover`: a late parent still gets the same successor, again and
/// again; another late parent within 16 generations is reuse.
fn a_late_recovery_is_granted_once(database: Database) {
    let server = setup(database, "1s")
        .set("RENEWD_REUSE_POLICY", "recover")
        .start();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    let first = client.refresh_token();
    client.refresh().expect(200);
    let second = client.refresh_token();
    let recovered = || {
        let column = "coalesce(CAST(recovered_generation AS TEXT), 'none')";
        server.store().session(&client.session(), column)
    };
    assert_eq!(recovered(), "none");
    clock::eventually("a late recovery", || {
        let reply = client.present(&first).expect(200);
        assert_eq!(reply.string("refresh_token"), second);
        (recovered() != "none").then_some(())
    });
    assert_eq!(
        client.present(&first).expect(200).string("refresh_token"),
        second
    );

    // On with the chain, and a second late one.
    client.refresh().expect(200);
    assert_ne!(client.refresh_token(), second);
    let late = clock::eventually("the end of the window", || {
        let reply = client.present(&second);
        (reply.status != 200).then_some(reply)
    });
    late.problem(401, "refresh_token_reused");
    assert_dead(&client);
}

/// S138: a token above the row means that the database went back in time.
fn a_restored_row_ends_the_session(database: Database) {
    let server = setup(database, "0").start();
    let store = server.store();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    client.refresh().expect(200);
    let (sid, older) = (client.session(), client.refresh_token());
    let digest = store.session(&sid, &store.hex("refresh_digest"));
    client.refresh().expect(200);

    let id = store.id(&sid);
    let digest = store.bytes(&digest);
    store.execute(&format!(
        "UPDATE sessions SET generation = 1, refresh_digest = {digest} WHERE id = {id}"
    ));
    client
        .present(&client.refresh_token())
        .problem(401, "session_revoked");
    assert_eq!(store.session(&sid, "end_reason"), "state_lost");
    client.present(&older).problem(401, "session_revoked");
    assert_dead(&client);
}

/// S67: another digest at the same generation, or another user's row: refused as
/// invalid, and the session goes on untouched.
fn a_row_that_does_not_fit_refuses_and_changes_nothing(database: Database) {
    let server = setup(database, "0").start();
    let store = server.store();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    client.refresh().expect(200);
    let sid = client.session();
    let id = store.id(&sid);

    let digest = store.bytes(&store.session(&sid, &store.hex("refresh_digest")));
    let other = store.bytes(&"5a".repeat(32));
    store.execute(&format!(
        "UPDATE sessions SET refresh_digest = {other} WHERE id = {id}"
    ));
    client
        .present(&client.refresh_token())
        .problem(401, "refresh_token_invalid");
    store.execute(&format!(
        "UPDATE sessions SET refresh_digest = {digest} WHERE id = {id}"
    ));

    let bob = Person::registered(&server, "bob").log_in(&server);
    let (mine, his) = (
        jwt::claims(&client.access())["sub"]
            .as_str()
            .map(|sub| store.id(sub))
            .expect("sub"),
        jwt::claims(&bob.access())["sub"]
            .as_str()
            .map(|sub| store.id(sub))
            .expect("sub"),
    );
    store.execute(&format!(
        "UPDATE sessions SET user_id = {his} WHERE id = {id}"
    ));
    client
        .present(&client.refresh_token())
        .problem(401, "refresh_token_invalid");
    store.execute(&format!(
        "UPDATE sessions SET user_id = {mine} WHERE id = {id}"
    ));

    store.execute(&format!(
        "UPDATE sessions SET client_id = 'another' WHERE id = {id}"
    ));
    client
        .present(&client.refresh_token())
        .problem(401, "refresh_token_invalid");
    store.execute(&format!(
        "UPDATE sessions SET client_id = 'renewd' WHERE id = {id}"
    ));

    assert_alive(&mut client);
}

/// S61 S69: no row, an ended row, a row whose time is over.
fn an_ended_or_expired_row_is_told_apart(database: Database) {
    let server = Server::on(database);
    let store = server.store();
    let ada = Person::registered(&server, "ada");
    for columns in [&["expires_at"][..], &["expires_at", "max_expires_at"]] {
        let client = ada.log_in(&server);
        let (id, past) = (store.id(&client.session()), store.time(-5));
        let set: Vec<String> = columns
            .iter()
            .map(|column| format!("{column} = {past}"))
            .collect();
        store.execute(&format!(
            "UPDATE sessions SET {} WHERE id = {id}",
            set.join(", ")
        ));
        client
            .present(&client.refresh_token())
            .problem(401, "session_expired");
    }
    let client = ada.log_in(&server);
    Ctl::of(&server).done(&["session", "end", &client.session()]);
    client
        .present(&client.refresh_token())
        .problem(401, "session_revoked");

    let client = ada.log_in(&server);
    store.execute(&format!(
        "DELETE FROM sessions WHERE id = {}",
        store.id(&client.session())
    ));
    client
        .present(&client.refresh_token())
        .problem(401, "refresh_token_invalid");
}

/// S64: a token issued into a cookie is refused in a body and the reverse, and
/// the session goes on.
fn the_wrong_transport_is_refused(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let (mut client, mut browser) = (ada.log_in(&server), ada.browse(&server));
    client
        .present(&browser.refresh_token())
        .problem(401, "refresh_token_invalid");
    browser
        .present(&client.refresh_token())
        .problem(401, "refresh_token_invalid");
    assert_alive(&mut client);
    assert_alive(&mut browser);
}
