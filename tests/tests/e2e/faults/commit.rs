//! The answer to a commit that does not arrive: done, and nobody knows.

use std::thread;
use std::time::Duration;

use e2e::Flow;
use e2e::cluster::ClusterSetup;

use super::case::{Case, Plan, rounds};

faults!(cut_after_commit, cut_anywhere);

/// How long answers are cut, and how long they are left alone.
const PULSE: Duration = Duration::from_millis(250);

fn in_pulses(mut case: Case, flows: &[Flow], seen: &str) {
    for _ in 0..rounds() {
        case.fault();
        for &flow in flows {
            case.proxies[0].replies(flow);
            thread::sleep(PULSE);
            case.proxies[0].replies(Flow::Passed);
            case.crowd().until_more_is_done(2);
        }
        case.lifted();
    }
    let cut = case.proxies[0].cut();
    assert!(cut > 0, "no answer was cut");
    case.end(&format!("{cut} answers cut; {seen}"));
}

/// I1 I2 I7 S52 S59: PostgreSQL commits, and its answer is cut before the first byte, in the
/// middle, or after the last one. No client is told that it is done, and every one who asks
/// again gets what was committed.
fn cut_after_commit(cluster: ClusterSetup) {
    let done = "every answer to a COMMIT is cut: before it, in it, or after it";
    let case = Plan::new("cut_after_commit", done).begin(cluster);
    let flows = [0, 1, 5, 11, 12, 100].map(Flow::CutCommits);
    in_pulses(
        case,
        &flows,
        "retries were answered with what was committed",
    );
}

/// I1 I2 I4 S59: after any number of bytes, as they come.
fn cut_anywhere(cluster: ClusterSetup) {
    let done = "each connection is reset after n bytes of answers, n from 0 to 20,000";
    let case = Plan::new("cut_anywhere", done).begin(cluster);
    let flows = [0, 7, 60, 400, 1_500, 5_000, 20_000].map(Flow::CutAfter);
    in_pulses(case, &flows, "retries were answered");
}
