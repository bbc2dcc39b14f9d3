//! More logins than the machine can hash.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use e2e::clock::Over;
use e2e::{Person, Persona, Setup, clock};

/// How often a client verifies and refreshes while the queue is full.
const ROUNDS: usize = 40;

/// S98: the queue is bounded, what does not fit is told without a hash, and requests that hash
/// nothing do not wait for those that do. Not by the clock, which a busy machine stretches, but by
/// count: whoever waited behind the hashes would see at least one of them done for each round.
#[test]
fn a_full_queue_of_hashes_stops_nothing_else() {
    let server = Setup::sqlite()
        .set("RENEWD_HASH_QUEUE", "2")
        .set("RENEWD_BCRYPT_COST", "13")
        .set("RENEWD_REPLAY_WINDOW", "0")
        .start();
    let ada = Person::registered(&server, "ada");
    let mut client = ada.log_in(&server);
    let over = Over::default();
    let (hashed, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (hashed_meanwhile, refused_meanwhile) = thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while !over.is_over() {
                    let reply = server.anonymous().post("/v1/login", ada.credentials());
                    if reply.status == 200 {
                        hashed.fetch_add(1, Ordering::SeqCst);
                        continue;
                    }
                    let reply = reply.expect(503).any_problem();
                    assert!(reply.header("retry-after").is_some(), "{:?}", reply.headers);
                    refused.fetch_add(1, Ordering::SeqCst);
                    // Sooner than asked for, but not as fast as a loop can turn.
                    thread::sleep(Duration::from_millis(50));
                }
            });
        }
        let _over = over.at_end();
        let counts = || {
            (
                hashed.load(Ordering::SeqCst),
                refused.load(Ordering::SeqCst),
            )
        };
        clock::eventually("a full queue", || (counts().1 > 10).then_some(()));
        let before = counts();
        for _ in 0..ROUNDS {
            client.get("/v1/verify").expect(204);
            client.refresh().expect(200);
        }
        let after = counts();
        // Still full at the end, else the rounds would have proven nothing.
        clock::eventually("a full queue", || (counts().1 > after.1).then_some(()));
        (after.0 - before.0, after.1 - before.1)
    });
    assert!(
        hashed_meanwhile < ROUNDS / 2,
        "{hashed_meanwhile} hashes were done in {ROUNDS} rounds ({refused_meanwhile} refused)"
    );
    assert!(ada.can_log_in(&server.anonymous()), "it recovers");
}
