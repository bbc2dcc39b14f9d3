//! Things that happen at the same moment and must not both win.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use e2e::client::assert_dead;
use e2e::clock::Over;
use e2e::{BodyClient, Ctl, Database, Person, Persona, Server, Setup, Transport, flows};
use serde_json::json;

flows!(
    no_login_with_the_old_password_survives_its_change,
    no_login_survives_the_disabling_of_its_user,
    no_login_survives_the_deletion_of_its_user,
    after_a_logout_no_refresh_of_the_session_lives,
    after_a_password_change_no_refresh_of_another_session_lives,
);

/// I9 S57: logins with the old password race the change; what they opened is
/// dead, and only the fresh session lives.
fn no_login_with_the_old_password_survives_its_change(database: Database) {
    let server = Server::on(database);
    let mut ada = Person::registered(&server, "ada");
    for round in 0..6 {
        let new = format!("another-Quartz-{round}-travel");
        let mut changer = ada.log_in(&server);
        let opened = racing(&server, &ada, || {
            let body = json!({ "current_password": ada.password, "new_password": new });
            changer.post_json("/v1/me/password", body).expect(200);
        });
        for client in &opened {
            assert_dead(client);
        }
        changer.get("/v1/me").expect(200);
        assert_eq!(server.store().live_sessions(), 1, "round {round}");
        ada = ada.with_password(&new);
    }
}

/// I9 S57 S69.
fn no_login_survives_the_disabling_of_its_user(database: Database) {
    let server = Server::on(database);
    let ada = Person::registered(&server, "ada");
    let ctl = Ctl::of(&server);
    for round in 0..6 {
        let opened = racing(&server, &ada, || {
            ctl.done(&["user", "disable", "ada"]);
        });
        assert_eq!(server.store().live_sessions(), 0, "round {round}");
        for client in &opened {
            client
                .present(&client.refresh_token())
                .problem(401, "session_revoked");
        }
        ctl.done(&["user", "enable", "ada"]);
    }
}

/// I9 S57.
fn no_login_survives_the_deletion_of_its_user(database: Database) {
    let server = Server::on(database);
    for round in 0..6 {
        let eve = Person::registered(&server, &format!("eve{round}"));
        let leaver = eve.log_in(&server);
        let opened = racing(&server, &eve, || {
            let body = json!({ "password": eve.password });
            leaver
                .call("DELETE", "/v1/me")
                .json(body)
                .send()
                .expect(204);
        });
        assert_eq!(server.store().live_sessions(), 0, "round {round}");
        for client in &opened {
            assert_dead(client);
        }
    }
}

/// Logs `person` in from three threads until `act` is done, and answers the
/// sessions that this opened.
fn racing(server: &Server, person: &Person, act: impl FnOnce()) -> Vec<BodyClient> {
    let over = Over::default();
    let start = Barrier::new(4);
    thread::scope(|scope| {
        let racers: Vec<_> = (0..3)
            .map(|_| {
                let (over, start) = (&over, &start);
                scope.spawn(move || {
                    let mut opened = Vec::new();
                    start.wait();
                    while !over.is_over() {
                        let reply = server.anonymous().post("/v1/login", person.credentials());
                        if reply.status == 200 {
                            let anonymous = server.anonymous();
                            opened.push(BodyClient::with_pair(&anonymous, reply.json()));
                        } else {
                            reply.problem(401, "invalid_credentials");
                        }
                    }
                    opened
                })
            })
            .collect();
        {
            let _over = over.at_end();
            start.wait();
            act();
        }
        racers
            .into_iter()
            .flat_map(|racer| racer.join().expect("a racer"))
            .collect()
    })
}

/// I5 S56: refresh against logout, at every small offset of the two: after the
/// 204 nothing of the session is accepted, not what the refresh just got either.
fn after_a_logout_no_refresh_of_the_session_lives(database: Database) {
    let server = Setup::new(database)
        .set("RENEWD_REPLAY_WINDOW", "0")
        .start();
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        for round in 0..100 {
            let mut client = ada.log_in_by(&server, transport);
            let leave = client.call("POST", "/v1/logout");
            let refresh = match transport {
                Transport::Body => server
                    .call("POST", "/v1/refresh")
                    .json(json!({ "refresh_token": client.refresh_token() })),
                Transport::Cookie => client.call("POST", "/v1/refresh"),
            };
            let start = Barrier::new(2);
            let won = thread::scope(|scope| {
                let refresher = scope.spawn(|| {
                    start.wait();
                    spin(Duration::from_micros(20 * round));
                    client.send(refresh)
                });
                start.wait();
                spin(Duration::from_millis(1));
                leave.send().expect(204);
                refresher.join().expect("the refresher")
            });
            if won.status != 200 {
                assert_eq!(won.any_problem().status, 401);
                continue;
            }
            assert_dead(client.as_ref());
        }
    }
    assert_eq!(server.store().live_sessions(), 0);
}

/// I5 S57: the same against a password change in another session.
fn after_a_password_change_no_refresh_of_another_session_lives(database: Database) {
    let server = Setup::new(database)
        .set("RENEWD_REPLAY_WINDOW", "0")
        .start();
    let mut ada = Person::registered(&server, "ada");
    for round in 0..8 {
        let (mut changer, mut other) = (ada.log_in(&server), ada.log_in(&server));
        let new = format!("another-Quartz-{round}-travel");
        let body = json!({ "current_password": ada.password, "new_password": new });
        let over = Over::default();
        thread::scope(|scope| {
            let refresher = scope.spawn(|| {
                while !over.is_over() {
                    let reply = other.refresh();
                    if reply.status != 200 {
                        reply.problem(401, "session_revoked");
                        break;
                    }
                }
            });
            {
                let _over = over.at_end();
                changer.post_json("/v1/me/password", body).expect(200);
            }
            refresher.join().expect("the refresher");
        });
        assert_dead(&other);
        assert_eq!(server.store().live_sessions(), 1);
        ada = ada.with_password(&new);
    }
}

/// Waits more finely than a sleep can.
fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}
