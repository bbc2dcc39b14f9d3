//! Two classes, measured side by side and judged.

use crate::random;
use crate::statistics::{Comparison, THRESHOLD, compare, median};

/// How many times as many samples decide whether a suspicion is one.
const AGAIN: usize = 4;

/// What is asked of two classes.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// The first class and the second.
    pub classes: [usize; 2],
    /// What tells them apart, in words.
    pub name: &'static str,
    /// Whether they differ on purpose, to show that a difference is found.
    pub seeded: bool,
    /// How much their medians may differ all the same, where what is told is no secret.
    pub allowed: f64,
}

/// What was found.
pub struct Verdict {
    question: Question,
    samples: usize,
    medians: [f64; 2],
    found: Comparison,
    /// What more samples said, where the first were suspicious.
    confirmed: Option<Comparison>,
    unit: &'static str,
}

/// Measures all classes in random order, `samples` times each, and answers the questions.
///
/// A question whose classes seem to differ is asked again with four times as many new samples. A
/// difference that is there is only clearer then; one that was chance is gone. It is confirmed
/// where the second test passes the bound too, with the same sign.
pub fn ask(
    questions: &[Question],
    samples: usize,
    unit: &'static str,
    mut time: impl FnMut(usize) -> f64,
) -> Vec<Verdict> {
    let classes = questions.iter().flat_map(|question| question.classes).max();
    let times = measure(classes.map_or(0, |last| last + 1), samples, &mut time);
    let mut verdicts = Vec::new();
    for question in questions {
        let [first, second] = question.classes.map(|class| times[class].as_slice());
        let found = compare(first, second);
        let suspicious = found.t.abs() > THRESHOLD && !question.seeded;
        let confirmed = suspicious.then(|| {
            println!(
                "suspicious, measured again: {} (t {:.1})",
                question.name, found.t
            );
            let again = measure(2, samples * AGAIN, |class| time(question.classes[class]));
            compare(&again[0], &again[1])
        });
        verdicts.push(Verdict {
            question: *question,
            samples,
            medians: [first, second].map(median),
            found,
            confirmed,
            unit,
        });
    }
    verdicts
}

fn measure(classes: usize, samples: usize, mut time: impl FnMut(usize) -> f64) -> Vec<Vec<f64>> {
    let mut times = vec![Vec::with_capacity(samples); classes];
    for class in random::schedule(classes, samples) {
        let took = time(class);
        times[class].push(took);
    }
    times
}

impl Verdict {
    /// Whether the classes are told apart, by whatever little.
    pub fn differs(&self) -> bool {
        let is_over = self.found.t.abs() > THRESHOLD;
        let is_confirmed = self.confirmed.is_none_or(|again| {
            again.t.abs() > THRESHOLD && again.t.signum() == self.found.t.signum()
        });
        is_over && is_confirmed
    }

    /// Whether they are told apart by more than is allowed.
    fn differs_too_much(&self) -> bool {
        let [first, second] = self.medians;
        self.differs() && (second - first).abs() > self.question.allowed
    }

    /// They are told apart exactly where they differ on purpose.
    pub fn is_as_expected(&self) -> bool {
        self.differs_too_much() == self.question.seeded
    }

    /// The least difference that these samples would have shown.
    pub fn detectable(&self) -> f64 {
        self.found.detectable
    }

    /// `timing: question | samples | medians | t | detectable | verdict`, for the page.
    pub fn row(&self) -> String {
        let [first, second] = self.medians;
        let unit = self.unit;
        let again = self.confirmed.map_or_else(String::new, |again| {
            format!(", {:.1} with {} samples", again.t, self.samples * AGAIN)
        });
        let is_allowed = self.differs() && !self.differs_too_much();
        let word = match (self.differs_too_much(), self.question.seeded) {
            (false, false) if is_allowed => "told apart, by less than is allowed",
            (false, false) => "not told apart",
            (true, true) => "found, as it must be",
            (true, false) => "TOLD APART",
            (false, true) => "NOT FOUND",
        };
        format!(
            "timing: {} | {} | {first:.3} and {second:.3} {unit} | {:.1}{again} | {:.3} {unit} | {word}",
            self.question.name, self.samples, self.found.t, self.found.detectable
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: Question = Question {
        classes: [0, 1],
        name: "a and b",
        seeded: false,
        allowed: 0.0,
    };

    /// Times that spread over one millisecond, class 1 slower by `leak`.
    fn clock(leak: f64) -> impl FnMut(usize) -> f64 {
        let mut n = 0_u32;
        move |class| {
            n += 1;
            let spread = f64::from(n * 7_919 % 1_000) / 1_000.0;
            50.0 + spread + if class == 1 { leak } else { 0.0 }
        }
    }

    fn ask_one(question: Question, clock: impl FnMut(usize) -> f64) -> Verdict {
        ask(&[question], 300, "ms", clock).remove(0)
    }

    #[test]
    fn a_leak_is_confirmed_and_fails() {
        let verdict = ask_one(QUESTION, clock(0.4));
        assert!(verdict.confirmed.is_some() && !verdict.is_as_expected());
        assert!(verdict.row().ends_with("TOLD APART"));
        assert!(ask_one(QUESTION, clock(0.0)).is_as_expected());
    }

    /// What is told may be no secret, and yet not take any time.
    #[test]
    fn a_little_may_be_allowed() {
        let allowed = |allowed| Question {
            allowed,
            ..QUESTION
        };
        assert!(ask_one(allowed(0.5), clock(0.4)).is_as_expected());
        assert!(!ask_one(allowed(0.3), clock(0.4)).is_as_expected());
    }

    /// What is there at first and then gone was chance; what turns round was too.
    #[test]
    fn a_suspicion_that_is_not_confirmed_passes() {
        for later in [0.0, -0.4] {
            let (mut early, mut late) = (clock(0.4), clock(later));
            let mut asked = 0;
            let verdict = ask_one(QUESTION, |class| {
                asked += 1;
                if asked <= 600 {
                    early(class)
                } else {
                    late(class)
                }
            });
            assert!(
                verdict.confirmed.is_some() && verdict.is_as_expected(),
                "{later}"
            );
        }
    }

    #[test]
    fn a_seeded_difference_has_to_be_found() {
        let seeded = Question {
            seeded: true,
            ..QUESTION
        };
        assert!(ask_one(seeded, clock(0.4)).is_as_expected());
        assert!(!ask_one(seeded, clock(0.0)).is_as_expected());
    }
}
