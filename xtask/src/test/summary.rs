//! Counts what the test programs say of themselves.

use std::fmt;

/// The sum over all test programs of one run.
#[derive(Default)]
pub struct Summary {
    passed: u64,
    failed: u64,
    /// Tests that were not run: ignored ones and those that a filter left out.
    skipped: u64,
    failures: Vec<String>,
}

impl Summary {
    /// The summary of a run that did not get as far as its tests.
    pub fn of_failure(reason: String) -> Self {
        Self {
            failed: 1,
            failures: vec![reason],
            ..Self::default()
        }
    }

    /// Takes one line of the output of `cargo test`.
    pub fn read(&mut self, line: &str) {
        if let Some(counts) = line.trim_start().strip_prefix("test result: ") {
            self.passed += count(counts, "passed");
            self.failed += count(counts, "failed");
            self.skipped += count(counts, "ignored") + count(counts, "filtered out");
        } else if let Some(name) = failed_test(line) {
            self.failures.push(name.to_owned());
        }
    }

    /// Takes the exit status of `cargo test` as a whole.
    ///
    /// A program that crashed or did not compile has no result line, and a run
    /// without any test proves nothing: both count as one failure.
    pub fn finish(&mut self, succeeded: bool) {
        let fault = if !succeeded && self.failed == 0 {
            "a test program ended without a result"
        } else if self.passed + self.failed == 0 {
            "no test was run"
        } else {
            return;
        };
        self.failed = 1;
        self.failures.push(fault.to_owned());
    }

    pub fn is_well(&self) -> bool {
        self.failed == 0
    }

    /// Prints the failures and, as the last line, the sum.
    pub fn print(&self) {
        for failure in &self.failures {
            println!("FAILED: {failure}");
        }
        println!("{self}");
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// The number before `what` in `ok. 5 passed; 0 failed; …`.
fn count(counts: &str, what: &str) -> u64 {
    counts
        .split([';', '.'])
        .filter_map(|part| part.trim().split_once(' '))
        .find(|(_, label)| *label == what)
        .and_then(|(number, _)| number.parse().ok())
        .unwrap_or(0)
}

fn failed_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
}

#[cfg(test)]
mod tests {
    use super::Summary;

    fn summary(output: &str, succeeded: bool) -> Summary {
        let mut summary = Summary::default();
        output.lines().for_each(|line| summary.read(line));
        summary.finish(succeeded);
        summary
    }

    #[test]
    fn programs_are_added_up() {
        let summary = summary(
            "running 3 tests\n\
             test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
             test result: ok. 40 passed; 0 failed; 0 ignored; 0 measured; 2 filtered out; finished in 1.25s\n",
            true,
        );
        assert_eq!(summary.to_string(), "43 passed, 0 failed, 3 skipped");
        assert!(summary.is_well());
    }

    #[test]
    fn a_failed_test_is_named() {
        let summary = summary(
            "test tokens::expire ... FAILED\n\
             test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n",
            false,
        );
        assert_eq!(summary.to_string(), "1 passed, 1 failed, 0 skipped");
        assert_eq!(summary.failures, ["tokens::expire"]);
        assert!(!summary.is_well());
    }

    #[test]
    fn a_crashed_program_is_a_failure() {
        let summary = summary(
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
             test next ... ",
            false,
        );
        assert_eq!(summary.to_string(), "3 passed, 1 failed, 0 skipped");
    }

    #[test]
    fn a_run_without_tests_is_a_failure() {
        assert!(!summary("running 0 tests\n", true).is_well());
    }
}
