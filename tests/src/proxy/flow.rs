//! What becomes of the bytes of one direction.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// What becomes of the bytes of one direction, of all connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flow {
    /// They arrive.
    #[default]
    Passed,
    /// They arrive so much later.
    Late(Duration),
    /// They wait, and arrive when that is over: a network that is cut, and mended.
    Held,
    /// They are accepted and never arrive, afterwards neither.
    Lost,
    /// Of each connection so many bytes more arrive; then it is reset.
    CutAfter(usize),
    /// Whenever PostgreSQL says that a commit is done, so many bytes of that answer arrive,
    /// and the connection is reset: the commit happened and nobody hears of it.
    CutCommits(usize),
}

/// PostgreSQL's `CommandComplete` of a COMMIT: type, length, tag.
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";

/// How long somebody who waits for a change sleeps before looking elsewhere too.
const NAP: Duration = Duration::from_millis(20);

/// The flow of one direction, which can change at any moment.
#[derive(Debug, Default)]
pub(super) struct Valve {
    state: Mutex<State>,
    changed: Condvar,
    cut: AtomicUsize,
}

#[derive(Debug, Default, Clone, Copy)]
struct State {
    flow: Flow,
    /// Grows with each change.
    change: usize,
}

/// What one connection remembers of its direction.
#[derive(Debug, Default)]
pub(super) struct Course {
    change: usize,
    /// How many bytes have passed since the flow changed.
    passed: usize,
    /// Something was lost: nothing that comes later would make sense.
    broken: bool,
}

/// What to do with bytes that have come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Pass them on after that time.
    Pass(Duration),
    /// Look again.
    Wait,
    /// Forget them.
    Lose,
    /// Pass so many of them on, then reset the connection.
    Cut(usize),
}

impl Valve {
    pub(super) fn set(&self, flow: Flow) {
        let mut state = self.state.lock().expect("valve");
        state.flow = flow;
        state.change += 1;
        self.changed.notify_all();
    }

    pub(super) fn cut(&self) -> usize {
        self.cut.load(Ordering::SeqCst)
    }

    /// Decides on what has come; waits for a moment itself where they have to wait.
    pub(super) fn fate(&self, course: &mut Course, bytes: &[u8]) -> Fate {
        let state = self.state.lock().expect("valve");
        let fate = course.fate(*state, bytes);
        match fate {
            Fate::Wait => drop(self.changed.wait_timeout(state, NAP).expect("valve")),
            Fate::Cut(_) => drop(self.cut.fetch_add(1, Ordering::SeqCst)),
            Fate::Pass(_) | Fate::Lose => {}
        }
        fate
    }
}

impl Course {
    fn fate(&mut self, state: State, bytes: &[u8]) -> Fate {
        if state.change != self.change {
            self.change = state.change;
            self.passed = 0;
        }
        if self.broken {
            return Fate::Lose;
        }
        let fate = match state.flow {
            Flow::Passed => Fate::Pass(Duration::ZERO),
            Flow::Late(time) => Fate::Pass(time),
            Flow::Held => Fate::Wait,
            Flow::Lost => Fate::Lose,
            Flow::CutAfter(limit) => match limit.checked_sub(self.passed) {
                Some(left) if left > bytes.len() => Fate::Pass(Duration::ZERO),
                left => Fate::Cut(left.unwrap_or_default()),
            },
            Flow::CutCommits(heard) => match position(bytes, COMMITTED) {
                Some(start) => Fate::Cut((start + heard).min(bytes.len())),
                None => Fate::Pass(Duration::ZERO),
            },
        };
        match fate {
            Fate::Pass(_) => self.passed += bytes.len(),
            Fate::Lose => self.broken = true,
            Fate::Wait | Fate::Cut(_) => {}
        }
        fate
    }
}

/// An answer of a few bytes comes in one piece, so no pattern begins in one and ends in
/// another.
fn position(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|part| part == pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(flow: Flow, chunks: &[&[u8]]) -> Vec<Fate> {
        let (valve, mut course) = (Valve::default(), Course::default());
        valve.set(flow);
        chunks
            .iter()
            .map(|chunk| valve.fate(&mut course, chunk))
            .collect()
    }

    #[test]
    fn so_many_bytes_arrive_before_a_cut() {
        let now = || Fate::Pass(Duration::ZERO);
        let chunks: [&[u8]; 2] = [b"abc", b"def"];
        assert_eq!(fates(Flow::CutAfter(4), &chunks), [now(), Fate::Cut(1)]);
        assert_eq!(fates(Flow::CutAfter(3), &chunks[..1]), [Fate::Cut(3)]);
        assert_eq!(fates(Flow::CutAfter(0), &chunks[..1]), [Fate::Cut(0)]);
        assert_eq!(fates(Flow::CutAfter(7), &chunks), [now(), now()]);
    }

    #[test]
    fn only_the_answer_to_a_commit_is_cut() {
        let answer = b"xxC\0\0\0\x0bCOMMIT\0Z\0\0\0\x05I";
        let begun: &[u8] = b"C\0\0\0\x0aBEGIN\0Z\0\0\0\x05T";
        let undone: &[u8] = b"C\0\0\0\x0dROLLBACK\0Z\0\0\0\x05I";
        assert_eq!(
            fates(Flow::CutCommits(1), &[begun, undone, answer]),
            [
                Fate::Pass(Duration::ZERO),
                Fate::Pass(Duration::ZERO),
                Fate::Cut(3)
            ]
        );
        assert_eq!(fates(Flow::CutCommits(99), &[answer]), [Fate::Cut(20)]);
    }

    #[test]
    fn nothing_arrives_after_a_loss() {
        let (valve, mut course) = (Valve::default(), Course::default());
        valve.set(Flow::Lost);
        assert_eq!(valve.fate(&mut course, b"a"), Fate::Lose);
        valve.set(Flow::Passed);
        assert_eq!(valve.fate(&mut course, b"b"), Fate::Lose);
        assert_eq!(
            valve.fate(&mut Course::default(), b"b"),
            Fate::Pass(Duration::ZERO)
        );
    }
}
