//! A disk that is full for a while.

use e2e::{Person, Persona, Reply, Setup, Transport};
use serde_json::json;

fn assert_unavailable(reply: Reply, what: &str) {
    assert_eq!(reply.status, 503, "{what}: {}", reply.text());
    let reply = reply.any_problem();
    assert!(
        reply.header("retry-after").is_some(),
        "{what}: {:?}",
        reply.headers
    );
    assert!(
        reply.set_cookies().is_empty(),
        "{what}: an outage never clears cookies"
    );
}

/// I7 S58 S59 S137: 503 and nothing done, never a 2xx for what was not; what needs
/// no write goes on; and with the fault everything of it is over.
#[test]
fn a_full_disk_is_an_outage_and_no_more() {
    let server = Setup::sqlite().with_failing_writes().start();
    let ada = Person::registered(&server, "ada");
    for transport in Transport::BOTH {
        let (mut stays, mut leaves) = (
            ada.log_in_by(&server, transport),
            ada.log_in_by(&server, transport),
        );
        let held = stays.refresh_token();

        server.fail_writes(true);
        for _ in 0..3 {
            assert_unavailable(stays.refresh(), "refresh");
            assert_unavailable(leaves.log_out(), "logout");
            assert_unavailable(leaves.post("/v1/logout/others"), "logout of others");
            let body = json!({ "password": ada.password });
            let delete = stays.call("DELETE", "/v1/me").json(body).send();
            assert_unavailable(delete, "deletion");
            let login = server.anonymous().post("/v1/login", ada.credentials());
            assert_unavailable(login, "login");
            let new = Person::named("new").registration();
            assert_unavailable(server.anonymous().post("/v1/register", new), "registration");
            stays.get("/v1/verify").expect(204);
            stays.get("/v1/me").expect(200);
        }
        server.fail_writes(false);

        assert_eq!(server.store().session(&stays.session(), "generation"), "0");
        stays.refresh().expect(200);
        assert_ne!(stays.refresh_token(), held);
        leaves.get("/v1/verify").expect(204);
        let left = (leaves.access(), leaves.refresh_token());
        leaves.log_out().expect(204);
        leaves.present(&left.1).problem(401, "session_revoked");
        server
            .call("GET", "/v1/verify")
            .bearer(&left.0)
            .send()
            .problem(401, "session_revoked");
        e2e::client::assert_alive(stays.as_mut());
    }
    Person::registered(&server, "new");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// I4 S59: rotations and logouts while the disk comes and goes: each is either
/// acknowledged and there after a crash, or refused and not half there.
#[test]
fn what_was_acknowledged_between_faults_survives_a_crash() {
    let mut server = Setup::sqlite().with_failing_writes().start();
    let ada = Person::registered(&server, "ada");
    let mut clients: Vec<_> = (0..12).map(|_| (ada.log_in(&server), false)).collect();
    for (number, (client, refreshed)) in clients.iter_mut().enumerate() {
        server.fail_writes(number % 2 == 0);
        let reply = client.refresh();
        *refreshed = reply.status == 200;
        assert_eq!(*refreshed, number % 2 == 1, "{}", reply.text());
    }
    server.restart();
    for (client, refreshed) in &mut clients {
        let held = client.refresh_token();
        client.refresh().expect(200);
        assert_eq!(client.refresh_token() == held, *refreshed);
        client.get("/v1/me").expect(200);
    }
}
