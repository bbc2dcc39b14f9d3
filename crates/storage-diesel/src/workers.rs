//! A few threads with a connection each that share a queue: SQLite's readers, and all of
//! PostgreSQL's work. Each thread keeps its connection, so there is no pool to check out from.

use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use token_core::store::StoreError;

use crate::attempt::{Failed, Kind, Runner};
use crate::crew::{Crew, Member};
use crate::error::{Failure, Fault, OpenError};
use crate::link::Link;
use crate::unit::{Outcome, Shared, Tx, Unit, unit};

/// How much work may wait; more is refused at once.
pub(crate) const QUEUE: usize = 16_384;
/// How long a unit is tried again.
const PATIENCE: Duration = Duration::from_secs(3);

/// The threads.
pub(crate) struct Workers {
    jobs: Sender<Job>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    crew: Arc<Crew>,
}

enum Job {
    Do(Box<dyn Unit>, Kind),
    Stop,
}

impl Workers {
    /// Starts a thread for each connection.
    pub(crate) fn start(
        name: &str,
        links: Vec<Link>,
        shared: &Arc<Shared>,
    ) -> Result<Self, OpenError> {
        let (jobs, queue) = crossbeam_channel::bounded(QUEUE);
        let crew = Arc::new(Crew::default());
        let mut threads = Vec::with_capacity(links.len());
        for link in links {
            let mut worker = Worker {
                queue: queue.clone(),
                jobs: jobs.clone(),
                runner: Runner::new(link, Arc::clone(shared), PATIENCE),
                member: crew.member(),
            };
            let thread = thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || worker.serve())
                .map_err(OpenError::Thread)?;
            threads.push(thread);
        }
        Ok(Self {
            jobs,
            threads: Mutex::new(threads),
            crew,
        })
    }

    /// Whether one of them has a connection, as far as is known.
    pub(crate) fn is_connected(&self) -> bool {
        self.crew.is_connected()
    }

    /// Queues work that only reads.
    pub(crate) fn read<T, F>(&self, work: F) -> Result<Outcome<T>, Fault>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let (unit, outcome) = unit(work);
        enqueue(&self.jobs, Job::Do(unit, Kind::Read)).map(|()| outcome)
    }

    /// Queues work that is one transaction.
    pub(crate) fn write<T, F>(&self, work: F) -> Result<Outcome<T>, Fault>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let (unit, outcome) = unit(work);
        enqueue(&self.jobs, Job::Do(unit, Kind::Write)).map(|()| outcome)
    }

    /// Queues a unit that is one transaction, or answers it that it could not be.
    pub(crate) fn write_unit(&self, unit: Box<dyn Unit>) {
        enqueue_or_answer(&self.jobs, unit, Kind::Write);
    }

    /// How much work waits.
    pub(crate) fn waiting(&self) -> usize {
        self.jobs.len()
    }

    /// Finishes what is queued and ends the threads.
    pub(crate) fn close(&self) {
        self.crew.dismiss(&self.threads, &self.jobs, || Job::Stop);
    }
}

/// The threads have a way to the queue of their own: it does not end by itself.
impl Drop for Workers {
    fn drop(&mut self) {
        self.close();
    }
}

/// Queues without ever waiting, since whoever asks must not be blocked.
pub(crate) fn enqueue<J>(queue: &Sender<J>, job: J) -> Result<(), Fault> {
    queue.try_send(job).map_err(|refused| match refused {
        TrySendError::Full(_) => Fault::Overloaded,
        TrySendError::Disconnected(_) => Fault::Closed,
    })
}

fn enqueue_or_answer(queue: &Sender<Job>, unit: Box<dyn Unit>, kind: Kind) {
    match queue.try_send(Job::Do(unit, kind)) {
        Ok(()) | Err(TrySendError::Full(Job::Stop) | TrySendError::Disconnected(Job::Stop)) => {}
        Err(TrySendError::Full(Job::Do(unit, _))) => unit.answer(Err(Fault::Overloaded.into())),
        Err(TrySendError::Disconnected(Job::Do(unit, _))) => unit.answer(Err(Fault::Closed.into())),
    }
}

struct Worker {
    queue: Receiver<Job>,
    /// For what others can do and this one cannot.
    jobs: Sender<Job>,
    runner: Runner,
    member: Member,
}

impl Worker {
    fn serve(&mut self) {
        loop {
            self.member.get_ready(&mut self.runner);
            match self.queue.recv() {
                Ok(Job::Do(unit, _)) if unit.is_left_behind() => {}
                Ok(Job::Do(unit, kind)) => self.work(unit, kind),
                Ok(Job::Stop) | Err(_) => return,
            }
        }
    }

    fn work(&mut self, mut unit: Box<dyn Unit>, kind: Kind) {
        let result = self.runner.run(unit.as_mut(), kind);
        self.member.note(self.runner.is_connected());
        match result {
            // Whoever takes it and cannot do it either is not asked again: it comes to an end.
            Err(Failed::Unreachable(_)) if self.member.has_help() => {
                enqueue_or_answer(&self.jobs, unit, kind);
            }
            result => unit.answer(result.map_err(StoreError::from)),
        }
    }
}
