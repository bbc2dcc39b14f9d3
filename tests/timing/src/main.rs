//! Measures whether the time of an answer tells what the answer does not (YARDSTICK S80, S85).
//!
//! The method is that of dudect (Reparaz, Balasch, Verbauwhede: Dude, is my code constant time?,
//! 2017): two classes of input, taken in random order, and Welch's test of whether their times have
//! one mean. The first argument is how many samples each class gets. `cargo xtask timing` runs it;
//! `RENEWD_BIN` and `RENEWCTL_BIN` say where the programs are.

mod comparisons;
mod connection;
mod logins;
mod random;
mod statistics;
mod trial;

use std::process::ExitCode;

use self::trial::Verdict;

fn main() -> ExitCode {
    let samples = std::env::args().nth(1).map_or(Ok(200), |text| text.parse());
    let samples: usize = samples.expect("a number of samples");
    let mut verdicts = comparisons::run();
    verdicts.extend(logins::run(samples));
    for verdict in &verdicts {
        println!("{}", verdict.row());
    }
    if verdicts.iter().all(Verdict::is_as_expected) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
