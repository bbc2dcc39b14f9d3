//! "Outages do not count against honest clients."

use e2e::client::assert_dead;
use e2e::{Database, Person, Persona, Setup, clock, flows, jwt};

flows!(
    the_time_of_an_outage_does_not_count,
    what_was_late_before_the_outage_stays_late
);

/// I2: the server dies after a rotation whose answer was lost, and stays away for
/// longer than the window: the retry after its return is a replay. One window
/// later the grace is over.
fn the_time_of_an_outage_does_not_count(database: Database) {
    let mut server = Setup::new(database)
        .set("RENEWD_REPLAY_WINDOW", "2s")
        .start();
    let mut client = Person::registered(&server, "ada").log_in(&server);
    let lost = client.refresh_token();
    client.refresh().expect(200);
    let spent = clock::now();
    server.kill();
    clock::wait_past(spent + 2.5);
    server.restart();
    let again = client.present(&lost).expect(200);
    assert_eq!(again.string("refresh_token"), client.refresh_token());
    let late = clock::eventually("the end of the grace", || {
        let reply = client.present(&lost);
        (reply.status != 200).then_some(reply)
    });
    late.problem(401, "refresh_token_reused");
    assert_dead(&client);
}

/// S46: a parent spent more than a window before the last sign of life is not
/// forgiven by a restart.
fn what_was_late_before_the_outage_stays_late(database: Database) {
    let mut server = Setup::new(database)
        .set("RENEWD_REPLAY_WINDOW", "1s")
        .start();
    let ada = Person::registered(&server, "ada");
    let (mut early, mut last) = (ada.log_in(&server), ada.log_in(&server));
    let spent = early.refresh_token();
    early.refresh().expect(200);
    clock::wait_past(jwt::time(&early.refresh_token(), "iat") + 2.5);
    last.refresh().expect(200);
    server.restart();
    early.present(&spent).problem(401, "refresh_token_reused");
    assert_dead(&early);
    last.get("/v1/me").expect(200);
}
