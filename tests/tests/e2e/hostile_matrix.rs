//! Every kind of JWT that renewd makes at every place that takes one (RFC 8725 §3.12).

use e2e::consumers::{Kind, World, consumers, state};
use e2e::{Database, Registered, Server, flows};

flows!(
    only_the_diagonal_passes,
    oauth_takes_no_other_kind,
    the_feed_takes_a_machines_token_alone,
);

/// S8 S64 S65: a token does what it is for, where it is for, brought as it came; anywhere else it
/// gets the answer that junk gets, and changes nothing. Each good one has a fresh person, because some
/// of them end sessions.
fn only_the_diagonal_passes(database: Database) {
    let server = Server::on(database);
    let backend = Registered::new(&server, &[]);
    let untouched = World::with(&server, "untouched", &backend);
    let mut passed = 0;
    for consumer in consumers() {
        for kind in Kind::ALL {
            let spent = (kind == consumer.takes)
                .then(|| World::with(&server, &format!("person-{passed}"), &backend));
            let world = spent.as_ref().unwrap_or(&untouched);
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

/// S8 S65: introspection knows access tokens (and refresh tokens of the client that asks), and the
/// token endpoint refresh tokens of the client that asks. Nothing else is anything there.
fn oauth_takes_no_other_kind(database: Database) {
    let server = Server::on(database);
    let backend = Registered::new(&server, &[]);
    let world = World::with(&server, "ada", &backend);
    let before = state(&server);
    for kind in Kind::ALL {
        let token = world.token(kind);
        let is_active = backend.introspect(&token)["active"] == true;
        assert_eq!(is_active, kind == Kind::Access, "{kind:?}");
        backend.refresh(&token).oauth_error(400, "invalid_grant");
    }
    assert_eq!(state(&server), before);
}

/// S8: the feed of ended sessions is for machines that were given the scope for it. A user's access
/// token is one, and of the wrong kind of subject; nothing else is a token there.
fn the_feed_takes_a_machines_token_alone(database: Database) {
    const FEED: &str = "/v1/revocations";
    let server = Server::on(database);
    let backend = Registered::new(&server, &["revocations", "other"]);
    let world = World::with(&server, "ada", &backend);
    let before = state(&server);
    let with = |token: &str| server.call("GET", FEED).bearer(token).send();
    for kind in Kind::ALL {
        let reply = with(&world.token(kind));
        if kind == Kind::Access {
            reply.problem(403, "insufficient_scope");
        } else {
            reply.problem(401, "access_token_invalid");
        }
    }
    let of_scope = |scope| backend.token_for(scope);
    with(&of_scope("other")).problem(403, "insufficient_scope");
    let good = server.call("HEAD", FEED).bearer(&of_scope("revocations"));
    good.send().expect(200);
    assert_eq!(state(&server), before);
}
