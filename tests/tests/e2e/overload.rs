//! More logins than the machine can hash.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use e2e::clock::Over;
use e2e::{Person, Persona, Setup, clock};

/// S98: the queue is bounded, what does not fit is told at once, and requests that
/// hash nothing go on as if nothing happened.
#[test]
fn a_full_queue_of_hashes_stops_nothing_else() {
    let server = Setup::sqlite()
        .set("RENEWD_HASH_QUEUE", "2")
        .set("RENEWD_BCRYPT_COST", "13")
        .set("RENEWD_REPLAY_WINDOW", "0")
        .start();
    let ada = Person::registered(&server, "ada");
    let mut client = ada.log_in(&server);
    let (over, refused) = (Over::default(), AtomicUsize::new(0));
    let slowest = thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while !over.is_over() {
                    let start = Instant::now();
                    let reply = server.anonymous().post("/v1/login", ada.credentials());
                    if reply.status == 200 {
                        continue;
                    }
                    let reply = reply.expect(503).any_problem();
                    assert!(reply.header("retry-after").is_some(), "{:?}", reply.headers);
                    assert!(
                        start.elapsed() < Duration::from_secs(1),
                        "{:?}",
                        start.elapsed()
                    );
                    refused.fetch_add(1, Ordering::SeqCst);
                    // Sooner than asked for, but not as fast as a loop can turn.
                    thread::sleep(Duration::from_millis(50));
                }
            });
        }
        let _over = over.at_end();
        clock::eventually("a full queue", || {
            (refused.load(Ordering::SeqCst) > 10).then_some(())
        });
        let mut slowest = Duration::ZERO;
        for _ in 0..40 {
            let start = Instant::now();
            client.get("/v1/verify").expect(204);
            client.refresh().expect(200);
            slowest = slowest.max(start.elapsed());
        }
        slowest
    });
    assert!(
        slowest < Duration::from_secs(1),
        "verify and refresh took {slowest:?}"
    );
    assert!(ada.can_log_in(&server.anonymous()), "it recovers");
}
