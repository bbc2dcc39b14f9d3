//! A few threads with a connection each that share a queue: SQLite's readers, and all of
//! PostgreSQL's work. Each thread keeps its connection, so there is no pool to check out from.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use token_core::store::StoreError;

use crate::attempt::{Kind, Runner};
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
        let mut threads = Vec::with_capacity(links.len());
        for link in links {
            let queue = queue.clone();
            let runner = Runner::new(link, Arc::clone(shared), PATIENCE);
            let thread = thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || serve(&queue, runner))
                .map_err(OpenError::Thread)?;
            threads.push(thread);
        }
        Ok(Self {
            jobs,
            threads: Mutex::new(threads),
        })
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
        match self.jobs.try_send(Job::Do(unit, Kind::Write)) {
            Ok(()) | Err(TrySendError::Full(Job::Stop) | TrySendError::Disconnected(Job::Stop)) => {
            }
            Err(TrySendError::Full(Job::Do(unit, _))) => {
                unit.answer(Err(Fault::Overloaded.into()));
            }
            Err(TrySendError::Disconnected(Job::Do(unit, _))) => {
                unit.answer(Err(Fault::Closed.into()));
            }
        }
    }

    /// Finishes what is queued and ends the threads.
    pub(crate) fn close(&self) {
        let threads =
            std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for _ in &threads {
            // Fails only if the threads are gone already.
            drop(self.jobs.send(Job::Stop));
        }
        for thread in threads {
            drop(thread.join());
        }
    }
}

/// Queues without ever waiting, since whoever asks must not be blocked.
pub(crate) fn enqueue<J>(queue: &Sender<J>, job: J) -> Result<(), Fault> {
    queue.try_send(job).map_err(|refused| match refused {
        TrySendError::Full(_) => Fault::Overloaded,
        TrySendError::Disconnected(_) => Fault::Closed,
    })
}

fn serve(queue: &Receiver<Job>, mut runner: Runner) {
    while let Ok(Job::Do(mut unit, kind)) = queue.recv() {
        let result = runner.run(unit.as_mut(), kind);
        unit.answer(result.map_err(StoreError::from));
    }
}
