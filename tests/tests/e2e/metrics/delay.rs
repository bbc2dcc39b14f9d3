//! How soon a node refuses what ended at another, as that node itself measures it.

use std::time::Duration;

use e2e::{Database, Person, Persona, Setup, flows};

use super::text::Scrape;
use crate::nodes::{ends::refused_after, start_both};

flows!(postgres: ends_elsewhere_are_measured);

const LOGOUTS: u32 = 100;
const DELAY: &str = "renewd_revocation_delay_seconds";
/// What half of the ends must stay below, and 99 of 100 are meant to.
const TARGET: f64 = 0.1;
/// What 99 of 100 must stay below on a machine that is busy with other things.
const GENEROUS: f64 = 1.0;

/// I5 S99: every end is measured once at the node that heard of it.
fn ends_elsewhere_are_measured(database: Database) {
    let (a, b) = start_both(Setup::new(database));
    let ada = Person::registered(&a, "ada");
    let before = [&a, &b].map(Scrape::of);
    let mut seen: Vec<Duration> = (0..LOGOUTS)
        .map(|_| {
            let mut client = ada.log_in(&a);
            let access = client.access();
            b.call("GET", "/v1/verify")
                .bearer(&access)
                .send()
                .expect(204);
            client.log_out().expect(204);
            refused_after(&b, &[access])
        })
        .collect();
    seen.sort_unstable();
    let after = [&a, &b].map(Scrape::of);

    let [told_a, told_b] = [0, 1].map(|node| {
        let count = format!("{DELAY}_count");
        after[node].value(&count) - before[node].value(&count)
    });
    assert_eq!(told_b, f64::from(LOGOUTS));
    // Its own ends a node knows, but where its poll saw the commit sooner than its thread went on.
    assert!(told_a < told_b / 2.0, "{told_a} of its own");
    assert!(after[1].value("renewd_revocation_notifications_total") > 0.0);
    assert_eq!(after[1].value("renewd_revocation_listening"), 1.0);
    for scrape in &after {
        assert_eq!(
            scrape.value("renewd_revocation_set_size"),
            f64::from(LOGOUTS)
        );
    }

    let buckets = after[1].buckets(DELAY, "");
    let bound = |share: f64| {
        let rank = (f64::from(LOGOUTS) * share).ceil();
        let mut found = buckets.iter().filter(|(_, count)| *count >= rank);
        found.next().expect("the last bucket has all").0
    };
    let client = |rank: usize| seen[rank - 1];
    println!(
        "{LOGOUTS} logouts: known at the other node within {} s (p50), {} s (p99); refused there \
         after the answer within {:?} (p50), {:?} (p99), {:?} (all)",
        bound(0.5),
        bound(0.99),
        client(50),
        client(99),
        client(100),
    );
    assert!(bound(0.5) <= TARGET, "{buckets:?}");
    assert!(bound(0.99) <= GENEROUS, "{buckets:?}");
    assert!(client(50).as_secs_f64() < TARGET, "{seen:?}");
}
