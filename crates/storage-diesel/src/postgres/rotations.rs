//! Group commit for refreshes: a few threads with a connection each. Whatever arrived while a
//! thread's last transaction was in flight becomes its next one. No timer: a refresh that finds a
//! thread idle does not wait for company.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use token_core::store::StoreError;
use token_core::token::rotation::{Rotation, RotationOutcome};

use super::batch::{Batch, Request};
use crate::attempt::{Failed, Kind, Runner};
use crate::crew::{Crew, Member};
use crate::error::{Fault, OpenError};
use crate::link::Link;
use crate::unit::{Outcome, Shared, Unit};
use crate::workers::{QUEUE, Workers, enqueue};

/// How many refreshes share a transaction at the most.
const BATCH: usize = 256;

/// The threads.
pub(super) struct Rotations {
    jobs: Sender<Job>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    crew: Arc<Crew>,
}

enum Job {
    Rotate(Request),
    Stop,
}

impl Rotations {
    /// Starts a thread for each connection. What they cannot do in batches, the workers do one by
    /// one; waiting for a row that is locked elsewhere is shorter than `lock_timeout`.
    pub(super) fn start(
        links: Vec<Link>,
        lock_timeout: Duration,
        shared: &Arc<Shared>,
        workers: &Arc<Workers>,
    ) -> Result<Self, OpenError> {
        let (jobs, queue) = crossbeam_channel::bounded(QUEUE);
        let crew = Arc::new(Crew::default());
        let mut threads = Vec::with_capacity(links.len());
        for link in links {
            let mut batcher = Batcher {
                queue: queue.clone(),
                waiting: Vec::new(),
                runner: Runner::new(link, Arc::clone(shared), lock_timeout),
                lock_timeout,
                shared: Arc::clone(shared),
                workers: Arc::clone(workers),
                member: crew.member(),
            };
            let thread = thread::Builder::new()
                .name("postgres-rotate".to_owned())
                .spawn(move || batcher.serve())
                .map_err(OpenError::Thread)?;
            threads.push(thread);
        }
        Ok(Self {
            jobs,
            threads: Mutex::new(threads),
            crew,
        })
    }

    /// Queues a refresh.
    pub(super) fn rotate(&self, rotation: Rotation) -> Result<Outcome<RotationOutcome>, Fault> {
        let (request, outcome) = Request::new(rotation);
        enqueue(&self.jobs, Job::Rotate(request)).map(|()| outcome)
    }

    /// How many refreshes wait.
    pub(super) fn waiting(&self) -> usize {
        self.jobs.len()
    }

    /// Finishes what is queued, or leaves it to the workers, and ends the threads.
    pub(super) fn close(&self) {
        self.crew.dismiss(&self.threads, &self.jobs, || Job::Stop);
    }
}

struct Batcher {
    queue: Receiver<Job>,
    /// Taken from the queue, but not compatible with what was taken before.
    waiting: Vec<Request>,
    runner: Runner,
    lock_timeout: Duration,
    shared: Arc<Shared>,
    workers: Arc<Workers>,
    member: Member,
}

impl Batcher {
    fn serve(&mut self) {
        let mut stopping = false;
        while !(stopping && self.waiting.is_empty()) {
            let mut requests = std::mem::take(&mut self.waiting);
            if !stopping {
                if requests.is_empty() {
                    self.member.get_ready(&mut self.runner);
                }
                stopping = self.arrived(&mut requests);
            }
            requests.retain(|request| !request.is_left_behind());
            let (batch, waiting) = Batch::gather(requests);
            self.waiting = waiting;
            if batch.size() > 0 {
                self.commit(batch);
            }
        }
    }

    /// Adds what is in the queue, and waits for something only if there is nothing to do. `true`
    /// if that is all there will be.
    fn arrived(&self, requests: &mut Vec<Request>) -> bool {
        if requests.is_empty() {
            match self.queue.recv() {
                Ok(Job::Rotate(request)) => requests.push(request),
                Ok(Job::Stop) | Err(_) => return true,
            }
        }
        while requests.len() < BATCH {
            match self.queue.try_recv() {
                Ok(Job::Rotate(request)) => requests.push(request),
                Ok(Job::Stop) => return true,
                Err(_) => break,
            }
        }
        false
    }

    fn commit(&mut self, mut batch: Batch) {
        let done = self.runner.run(&mut batch, Kind::Write);
        self.member.note(self.runner.is_connected());
        match done {
            Ok(()) => Box::new(batch).answer(Ok(())),
            Err(failed) if self.is_for_the_workers(&failed) => {
                tracing::debug!(refreshes = batch.size(), "a batch is done one by one");
                for single in batch.into_singles() {
                    self.shared.tally.singles.fetch_add(1, Ordering::Relaxed);
                    self.workers.write_unit(Box::new(single));
                }
            }
            Err(failed) => Box::new(batch).answer(Err(StoreError::from(failed))),
        }
    }

    /// Whether the workers may come further: they have a connection and this thread has none; or a
    /// few of the batch, perhaps one, are to blame, because a row is damaged, or was locked for so
    /// long that all the others had to wait.
    fn is_for_the_workers(&self, failed: &Failed) -> bool {
        match failed {
            Failed::Unreachable(_) => self.workers.is_connected(),
            Failed::Tried {
                failure,
                undone,
                spent,
            } => {
                let stalled = failure.may_pass() && *spent >= self.lock_timeout;
                *undone && (failure.is_the_units_own() || stalled)
            }
        }
    }
}
