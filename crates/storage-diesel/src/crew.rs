//! Threads that share a queue and have a connection each: one whose connection is lost leaves
//! the work to those that have theirs. It would otherwise be the first to take it, since it is
//! never busy, and refuse what others can do.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::Sender;

use crate::attempt::Runner;

/// How long a thread without a connection looks away. The link decides how often it is opened.
const GLANCE: Duration = Duration::from_millis(50);

/// The threads of one queue.
#[derive(Debug, Default)]
pub(crate) struct Crew {
    /// How many have a connection, as far as they know.
    connected: AtomicUsize,
    closing: AtomicBool,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Member {
    crew: Arc<Crew>,
    connected: bool,
}

impl Crew {
    /// Whether anyone has a connection.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed) > 0
    }

    /// Nobody waits for a connection from now on: what is queued is done or refused. Tells each of
    /// the threads to stop after that, and waits for them.
    pub(crate) fn dismiss<J>(
        &self,
        threads: &Mutex<Vec<JoinHandle<()>>>,
        jobs: &Sender<J>,
        stop: impl Fn() -> J,
    ) {
        self.closing.store(true, Ordering::Relaxed);
        let threads = std::mem::take(&mut *threads.lock().unwrap_or_else(PoisonError::into_inner));
        for _ in &threads {
            // Fails only if the threads are gone already.
            drop(jobs.send(stop()));
        }
        for thread in threads {
            drop(thread.join());
        }
    }

    /// One more, who begins with a connection.
    pub(crate) fn member(self: &Arc<Self>) -> Member {
        let mut member = Member {
            crew: Arc::clone(self),
            connected: false,
        };
        member.note(true);
        member
    }
}

impl Member {
    /// Whether another one can do what this one cannot.
    pub(crate) fn has_help(&self) -> bool {
        let others = self.crew.connected.load(Ordering::Relaxed) - usize::from(self.connected);
        others > 0 && !self.crew.closing.load(Ordering::Relaxed)
    }

    /// Makes known whether this one has a connection.
    pub(crate) fn note(&mut self, connected: bool) {
        match (self.connected, connected) {
            (false, true) => drop(self.crew.connected.fetch_add(1, Ordering::Relaxed)),
            (true, false) => drop(self.crew.connected.fetch_sub(1, Ordering::Relaxed)),
            (true, true) | (false, false) => {}
        }
        self.connected = connected;
    }

    /// Returns when this one has a connection, or no one has.
    pub(crate) fn get_ready(&mut self, runner: &mut Runner) {
        self.note(runner.is_connected());
        while !self.connected && self.has_help() {
            let connected = runner.reconnect();
            self.note(connected);
            if !connected {
                thread::sleep(GLANCE);
            }
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.note(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_is_another_one_with_a_connection() {
        let crew = Arc::new(Crew::default());
        let (mut one, other) = (crew.member(), crew.member());
        assert!(one.has_help() && other.has_help());
        one.note(false);
        one.note(false);
        assert!(one.has_help() && !other.has_help());
        drop(other);
        assert!(!one.has_help() && !crew.is_connected());
        one.note(true);
        assert!(!one.has_help() && crew.is_connected());
        drop(one);
        assert!(!crew.is_connected());
    }

    #[test]
    fn nobody_is_waited_for_at_the_end() {
        let crew = Arc::new(Crew::default());
        let (one, _other) = (crew.member(), crew.member());
        let (jobs, _queue) = crossbeam_channel::bounded(1);
        crew.dismiss(&Mutex::default(), &jobs, || ());
        assert!(!one.has_help());
    }
}
