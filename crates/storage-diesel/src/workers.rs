//! A few threads with a connection each that share a queue: SQLite's readers, and all of
//! PostgreSQL's work. Each thread keeps its connection, so there is no pool to check out from.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};
use diesel::connection::TransactionManager;
use diesel::result::Error as DatabaseError;
use token_core::store::StoreError;

use crate::connection::AnyConnection;
use crate::error::{Failure, Fault, OpenError};
use crate::link::Link;
use crate::unit::{Outcome, Shared, Tx, Unit, expect_depth, unit};

/// How much work may wait; more is refused at once.
pub(crate) const QUEUE: usize = 16_384;
/// How often a unit is tried, and for how long at most.
const TRIES: u32 = 4;
const TRY_FOR: Duration = Duration::from_secs(3);

/// The threads.
pub(crate) struct Workers {
    jobs: Sender<Job>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

enum Job {
    /// Reads, statement by statement.
    Read(Box<dyn Unit>),
    /// Is one transaction.
    Write(Box<dyn Unit>),
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
            let mut worker = Worker {
                queue: queue.clone(),
                link,
                shared: Arc::clone(shared),
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
        })
    }

    /// Queues work that only reads.
    pub(crate) fn read<T, F>(&self, work: F) -> Result<Outcome<T>, Fault>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let (unit, outcome) = unit(work);
        enqueue(&self.jobs, Job::Read(unit)).map(|()| outcome)
    }

    /// Queues work that is one transaction.
    pub(crate) fn write<T, F>(&self, work: F) -> Result<Outcome<T>, Fault>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let (unit, outcome) = unit(work);
        enqueue(&self.jobs, Job::Write(unit)).map(|()| outcome)
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
        crossbeam_channel::TrySendError::Full(_) => Fault::Overloaded,
        crossbeam_channel::TrySendError::Disconnected(_) => Fault::Closed,
    })
}

struct Worker {
    queue: Receiver<Job>,
    link: Link,
    shared: Arc<Shared>,
}

impl Worker {
    fn serve(&mut self) {
        while let Ok(job) = self.queue.recv() {
            let (mut unit, transaction) = match job {
                Job::Read(unit) => (unit, false),
                Job::Write(unit) => (unit, true),
                Job::Stop => break,
            };
            let done = catch_unwind(AssertUnwindSafe(|| self.work(unit.as_mut(), transaction)));
            let result = done.unwrap_or_else(|_| {
                self.link.lose();
                Err(Failure::Panicked.into())
            });
            if result.is_ok() {
                self.shared.learn(unit.as_ref());
            }
            unit.answer(result);
        }
    }

    /// Runs the unit, again where what failed may pass and nothing was committed.
    fn work(&mut self, unit: &mut dyn Unit, transaction: bool) -> Result<(), StoreError> {
        let started = self.shared.clock.monotonic();
        let mut tries = 0;
        loop {
            tries += 1;
            let conn = self.link.get()?;
            let attempt = if transaction {
                in_transaction(conn, unit)
            } else {
                read(conn, unit)
            };
            let Err(failed) = attempt else {
                if transaction {
                    self.shared.committed(1);
                }
                return Ok(());
            };
            if !failed.connection_is_good {
                self.link.lose();
            }
            let spent = self.shared.clock.monotonic().saturating_sub(started);
            let again = failed.undone && failed.failure.may_pass();
            if !again || tries == TRIES || spent > TRY_FOR {
                return Err(failed.failure.into());
            }
        }
    }
}

struct FailedAttempt {
    failure: Failure,
    /// Whether certainly nothing of it was committed.
    undone: bool,
    connection_is_good: bool,
}

fn read(conn: &mut AnyConnection, unit: &mut dyn Unit) -> Result<(), FailedAttempt> {
    unit.run(conn).map_err(|failure| FailedAttempt {
        connection_is_good: failure.is_the_units_own() && expect_depth(conn, 0).is_ok(),
        undone: true,
        failure,
    })
}

fn in_transaction(conn: &mut AnyConnection, unit: &mut dyn Unit) -> Result<(), FailedAttempt> {
    let fault = |error: DatabaseError, undone| FailedAttempt {
        failure: error.into(),
        undone,
        connection_is_good: false,
    };
    AnyConnection::begin_transaction(conn).map_err(|error| fault(error, true))?;
    match unit.run(conn) {
        Ok(()) => AnyConnection::commit_transaction(conn).map_err(|error| fault(error, false)),
        Err(failure) => Err(FailedAttempt {
            connection_is_good: AnyConnection::rollback_transaction(conn)
                .and_then(|()| expect_depth(conn, 0))
                .is_ok(),
            undone: true,
            failure,
        }),
    }
}
