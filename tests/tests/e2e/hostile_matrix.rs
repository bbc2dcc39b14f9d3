//! Every kind of JWT that renewd makes at every place that takes one (RFC 8725 §3.12).

use e2e::consumers::{Kind, World, consumers, state};
use e2e::{Database, Server, flows};

flows!(only_the_diagonal_passes);

/// S8 S64 S65: a token does what it is for, where it is for, brought as it came; anywhere else it
/// gets the answer that junk gets, and changes nothing. Each cell has a fresh person, because some
/// of the good ones end sessions.
fn only_the_diagonal_passes(database: Database) {
    let server = Server::on(database);
    let mut people = 0;
    let mut passed = 0;
    for consumer in consumers() {
        for kind in Kind::ALL {
            people += 1;
            let world = World::new(&server, &format!("person-{people}"));
            let before = state(&server);
            let reply = consumer.present(&server, &world.session(kind), &world.token(kind));
            let cell = format!("{kind:?} at {}: {}", consumer.name(), reply.text());
            if kind == consumer.takes {
                assert!([200, 204].contains(&reply.status), "{cell}");
                passed += 1;
            } else {
                assert_eq!(
                    (reply.status, reply.code().as_str()),
                    (401, consumer.invalid()),
                    "{cell}"
                );
                assert_eq!(state(&server), before, "{cell}");
            }
        }
    }
    assert_eq!(passed, consumers().len());
}
