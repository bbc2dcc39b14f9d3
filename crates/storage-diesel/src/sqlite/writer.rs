//! Group commit: one thread owns the writing connection. Whatever arrived while the last commit
//! was on its way to the disk becomes one transaction, each unit of work in a savepoint of its own,
//! and is answered when that transaction is durable.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender};
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use diesel::result::Error as DatabaseError;
use diesel::sql_types::BigInt;
use futures_channel::oneshot;
use token_core::store::StoreError;

use super::savepoint::Savepoint;
use crate::connection::AnyConnection;
use crate::error::{Failure, Fault, OpenError};
use crate::heartbeat::Heartbeat;
use crate::link::Link;
use crate::unit::{Outcome, Shared, Tx, Unit, expect_depth, unit};
use crate::workers::{QUEUE, enqueue};

/// How many units share a commit at the most: beyond this, waiting for the batch costs more than
/// the commits it saves.
const BATCH: usize = 256;

/// The way to the thread that writes.
pub(super) struct Writer {
    jobs: Sender<Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Job {
    Write(Box<dyn Unit>),
    Version(oneshot::Sender<Result<u64, StoreError>>),
    Stop,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(link: Link, shared: Arc<Shared>) -> Result<Self, OpenError> {
        let (jobs, queue) = crossbeam_channel::bounded(QUEUE);
        let mut worker = Thread {
            queue,
            link,
            shared,
            neighbour: Neighbour::default(),
        };
        let thread = thread::Builder::new()
            .name("sqlite-write".to_owned())
            .spawn(move || while worker.serve().is_continue() {})
            .map_err(OpenError::Thread)?;
        Ok(Self {
            jobs,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Queues a unit of work.
    pub(super) fn write<T, F>(&self, work: F) -> Result<Outcome<T>, Fault>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, Failure> + Send + 'static,
    {
        let (unit, outcome) = unit(work);
        enqueue(&self.jobs, Job::Write(unit)).map(|()| outcome)
    }

    /// Asks for the number that changes when another connection has written.
    pub(super) fn version(&self) -> Result<Outcome<u64>, Fault> {
        let (reply, outcome) = oneshot::channel();
        enqueue(&self.jobs, Job::Version(reply)).map(|()| outcome)
    }

    /// How much work waits.
    pub(super) fn waiting(&self) -> usize {
        self.jobs.len()
    }

    /// Commits what is queued and ends the thread.
    pub(super) fn close(&self) {
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // Fails only if the thread is gone already.
            drop(self.jobs.send(Job::Stop));
            drop(thread.join());
        }
    }
}

struct Thread {
    queue: Receiver<Job>,
    link: Link,
    shared: Arc<Shared>,
    neighbour: Neighbour,
}

/// Another process that writes to the same file. SQLite's lock has no queue: whoever waits looks
/// again now and then, and would hardly ever find a moment in which this thread, with work at hand,
/// does not hold it.
#[derive(Default)]
struct Neighbour {
    /// The `data_version` seen last.
    version: Option<u64>,
    /// Until when, on the monotonic clock, it is taken to be at work.
    at_work_until: Duration,
}

impl Neighbour {
    /// How long it is taken to be at work after it wrote: some polls of the version.
    const MEMORY: Duration = Duration::from_secs(1);
    /// How long the lock is left to it between two batches: about as long as a batch takes.
    const TURN: Duration = Duration::from_millis(1);

    /// Takes note of a version; a new one is another process's doing.
    fn notice(&mut self, version: u64, monotonic: Duration) {
        if self
            .version
            .replace(version)
            .is_some_and(|last| last != version)
        {
            self.at_work_until = monotonic + Self::MEMORY;
        }
    }

    /// Leaves the lock alone for a moment if somebody else may be waiting for it.
    fn give_way(&self, monotonic: Duration) {
        if monotonic < self.at_work_until {
            thread::sleep(Self::TURN);
        }
    }
}

impl Thread {
    /// Waits for work and does all that is there.
    fn serve(&mut self) -> ControlFlow<()> {
        let Ok(first) = self.queue.recv() else {
            return ControlFlow::Break(());
        };
        let mut batch = Vec::new();
        let mut next = Some(first);
        let mut flow = ControlFlow::Continue(());
        while let Some(job) = next {
            match job {
                Job::Write(unit) => batch.push(unit),
                Job::Version(reply) => drop(reply.send(self.version())),
                Job::Stop => {
                    flow = ControlFlow::Break(());
                    break;
                }
            }
            next = (batch.len() < BATCH)
                .then(|| self.queue.try_recv().ok())
                .flatten();
        }
        if !batch.is_empty() {
            self.commit(batch);
            self.neighbour.give_way(self.shared.clock.monotonic());
        }
        flow
    }

    /// Commits the batch and answers everybody in it.
    fn commit(&mut self, mut batch: Vec<Box<dyn Unit>>) {
        let link = &mut self.link;
        let done = catch_unwind(AssertUnwindSafe(|| {
            together(link.get()?, &mut batch, &self.shared.heartbeat).map_err(|error| {
                tracing::warn!(%error, units = batch.len(), "a batch was rolled back");
                Fault::Batch(Arc::new(error))
            })
        }));
        let done = done.unwrap_or_else(|_| {
            Err(Fault::Batch(Arc::new(
                DatabaseError::BrokenTransactionManager,
            )))
        });
        let (results, took) = match done {
            Ok(done) => done,
            Err(fault) => {
                self.link.lose();
                for unit in batch {
                    unit.answer(Err(fault.clone().into()));
                }
                return;
            }
        };
        self.shared.committed(batch.len(), took);
        // First the process knows of every end, then anybody is told.
        for (unit, result) in batch.iter().zip(&results) {
            if result.is_ok() {
                self.shared.learn(unit.as_ref());
            }
        }
        for (unit, result) in batch.into_iter().zip(results) {
            unit.answer(result.map_err(StoreError::from));
        }
    }

    /// `data_version` of this very connection: its own commits do not change it. Connections count
    /// separately, so the number of the connection goes with it.
    fn version(&mut self) -> Result<u64, StoreError> {
        let conn = self.link.get()?;
        match diesel::sql_query("PRAGMA data_version").get_result::<Version>(conn) {
            Ok(row) => {
                let version = u64::try_from(row.data_version).unwrap_or_default() & 0xffff_ffff;
                let version = u64::from(self.link.opened()) << 32 | version;
                let monotonic = self.shared.clock.monotonic();
                self.neighbour.notice(version, monotonic);
                Ok(version)
            }
            Err(error) => {
                self.link.lose();
                Err(Fault::Batch(Arc::new(error)).into())
            }
        }
    }
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = BigInt)]
    data_version: i64,
}

/// Runs the units in one transaction. `Ok` means that it is durable, with what became of each unit
/// and how long the commit took; `Err` that none of them counts.
fn together(
    conn: &mut AnyConnection,
    units: &mut [Box<dyn Unit>],
    heartbeat: &Heartbeat,
) -> Result<(Vec<Result<(), Failure>>, Duration), DatabaseError> {
    begin(conn)?;
    let mut results = Vec::with_capacity(units.len());
    let mut made_at = None;
    for unit in units {
        Savepoint::Set.run(conn)?;
        let result = unit.run(conn);
        // Otherwise the commit below would not be one. The connection is given up, and with it goes
        // all that is open on it.
        expect_depth(conn, 1)?;
        match result {
            Err(Failure::Database(error)) if !Failure::is_own(&error) => {
                // Whatever is left of the transaction goes with the connection.
                drop(AnyConnection::rollback_transaction(conn));
                return Err(error);
            }
            Ok(()) => made_at = made_at.max(unit.noticed().made_at),
            Err(_) => Savepoint::Undo.run(conn)?,
        }
        Savepoint::Release.run(conn)?;
        results.push(result);
    }
    let beat = heartbeat.write(conn, made_at)?;
    let started = Instant::now();
    AnyConnection::commit_transaction(conn)?;
    heartbeat.committed(beat);
    Ok((results, started.elapsed()))
}

/// `IMMEDIATE` takes the write lock at once: a transaction that began as a reader could find, when
/// it comes to write, that another process has written since, and fail for no fault of its own.
fn begin(conn: &mut AnyConnection) -> Result<(), DatabaseError> {
    match conn {
        AnyConnection::Sqlite(conn) => {
            AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")
        }
        AnyConnection::Postgres(_) => AnyConnection::begin_transaction(conn),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_version_means_a_neighbour_at_work() {
        let second = Duration::from_secs(1);
        let mut neighbour = Neighbour::default();
        neighbour.notice(7, second);
        neighbour.notice(7, second * 2);
        assert_eq!(neighbour.at_work_until, Duration::ZERO, "nobody else wrote");
        neighbour.notice(8, second * 3);
        assert_eq!(neighbour.at_work_until, second * 3 + Neighbour::MEMORY);
        neighbour.notice(8, second * 9);
        assert_eq!(neighbour.at_work_until, second * 3 + Neighbour::MEMORY);
    }
}
