//! Units of work: closures over a connection that are run on a thread of the database's, whole or
//! not at all, and whose outcome is told only when it is durable.

use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use diesel::connection::TransactionManager;
use diesel::result::Error as DatabaseError;
use futures_channel::oneshot;
use token_core::id::SessionId;
use token_core::revocation::RevocationSet;
use token_core::session::EndReason;
use token_core::store::StoreError;
use token_core::time::{Clock, ClockOffset, OffsetClock, Timestamp};

use crate::connection::AnyConnection;
use crate::error::{Failure, Fault};
use crate::heartbeat::Heartbeat;
use crate::options::{OnCommit, Options};
use crate::stats::Tally;

/// What a unit of work is given.
pub(crate) struct Tx<'a> {
    /// The connection, inside the unit's transaction if it has one.
    pub(crate) conn: &'a mut AnyConnection,
    /// What the process learns if the unit is committed.
    pub(crate) noticed: Noticed,
}

/// What a unit of work did that the process has to know: ended sessions, on their way into the
/// revocation set, and tokens, for the heartbeat.
#[derive(Debug, Default)]
pub(crate) struct Noticed {
    /// Ended by this unit, and why.
    pub(crate) ended_now: Vec<(SessionId, EndReason)>,
    /// Found ended, perhaps by another process whose end the feed has not brought yet, or gone.
    pub(crate) ended_before: Vec<(SessionId, Timestamp)>,
    /// When this unit made a refresh token, if it did: the youngest of them.
    pub(crate) made_at: Option<Timestamp>,
}

impl Noticed {
    /// A refresh token was made then.
    pub(crate) fn made(&mut self, at: Timestamp) {
        self.made_at = self.made_at.max(Some(at));
    }
}

/// A unit of work whose types are forgotten.
pub(crate) trait Unit: Send {
    /// Does the work and keeps the outcome. May be called again if what it did was undone.
    fn run(&mut self, conn: &mut AnyConnection) -> Result<(), Failure>;

    /// What the work noticed.
    fn noticed(&self) -> &Noticed;

    /// Whether it has waited for so long that whoever asked has gone: it need not be done at the
    /// expense of those who still wait. A client that goes away at once gets what it asked for.
    fn is_left_behind(&self) -> bool;

    /// How many rotations it is made of, if it is made of rotations.
    fn rotations(&self) -> Option<usize> {
        None
    }

    /// How many pieces of work share its commit.
    fn size(&self) -> usize {
        self.rotations().unwrap_or(1)
    }

    /// Tells whoever asked.
    fn answer(self: Box<Self>, result: Result<(), StoreError>);
}

/// How long work waits at least before it is left undone for want of anybody who waits for it.
const LEFT_BEHIND_AFTER: Duration = Duration::from_secs(1);

/// Who waits for the outcome of some work, and since when.
pub(crate) struct Asker<T> {
    reply: oneshot::Sender<Result<T, StoreError>>,
    asked: Instant,
}

impl<T> Asker<T> {
    /// Somebody who asks now, and where the outcome will arrive.
    pub(crate) fn new() -> (Self, Outcome<T>) {
        let (reply, outcome) = oneshot::channel();
        let asked = Instant::now();
        (Self { reply, asked }, outcome)
    }

    /// Whether whoever asked has gone, and not a moment ago.
    pub(crate) fn is_gone(&self) -> bool {
        self.reply.is_canceled() && self.asked.elapsed() > LEFT_BEHIND_AFTER
    }

    /// Tells them. They may have gone away; that changes nothing.
    pub(crate) fn tell(self, outcome: Result<T, StoreError>) {
        drop(self.reply.send(outcome));
    }
}

/// Where the outcome of a unit of work will arrive.
pub(crate) type Outcome<T> = oneshot::Receiver<Result<T, StoreError>>;

/// A unit of work, and where its outcome will arrive.
pub(crate) fn unit<T, F>(work: F) -> (Box<dyn Unit>, Outcome<T>)
where
    T: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T, Failure> + Send + 'static,
{
    let (asker, outcome) = Asker::new();
    let work = Work {
        closure: work,
        outcome: None,
        noticed: Noticed::default(),
        asker,
    };
    (Box::new(work), outcome)
}

struct Work<T, F> {
    closure: F,
    outcome: Option<T>,
    noticed: Noticed,
    asker: Asker<T>,
}

impl<T, F> Unit for Work<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> Result<T, Failure> + Send,
{
    fn run(&mut self, conn: &mut AnyConnection) -> Result<(), Failure> {
        let mut tx = Tx {
            conn,
            noticed: Noticed::default(),
        };
        self.outcome = Some(guarded(|| (self.closure)(&mut tx))?);
        self.noticed = tx.noticed;
        Ok(())
    }

    fn noticed(&self) -> &Noticed {
        &self.noticed
    }

    fn is_left_behind(&self) -> bool {
        self.asker.is_gone()
    }

    fn answer(self: Box<Self>, result: Result<(), StoreError>) {
        let answer = match (result, self.outcome) {
            (Ok(()), Some(outcome)) => Ok(outcome),
            (Ok(()), None) => Err(Failure::Panicked.into()),
            (Err(error), _) => Err(error),
        };
        self.asker.tell(answer);
    }
}

/// Checks that so many transactions and savepoints are open, one in the other. A unit that panicked
/// inside a savepoint of its own leaves it open: Diesel's next COMMIT would then release a savepoint
/// and say that all is well, while the transaction stays open and is lost with the connection.
pub(crate) fn expect_depth(conn: &mut AnyConnection, expected: u32) -> Result<(), DatabaseError> {
    let depth = AnyConnection::transaction_manager_status_mut(conn).transaction_depth()?;
    if depth.map_or(0, NonZeroU32::get) == expected {
        Ok(())
    } else {
        Err(DatabaseError::BrokenTransactionManager)
    }
}

/// Makes a panic a failure. Diesel does not roll back when a closure unwinds, so it must not get
/// that far. Nothing that was half-way changed is looked at again: what the work would have
/// returned is not there, and what it wrote is undone.
/// A savepoint of the unit's own stays open all the same: see [`expect_depth`].
pub(crate) fn guarded<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Failure::Panicked))
}

/// What the threads share with the process.
pub(crate) struct Shared {
    /// The database's time.
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) clock_offset: ClockOffset,
    pub(crate) revocations: Arc<RevocationSet>,
    pub(crate) commits: AtomicU64,
    pub(crate) units: AtomicU64,
    pub(crate) rotations: RotationCounts,
    pub(crate) tally: Tally,
    pub(crate) heartbeat: Heartbeat,
    on_commit: OnCommit,
}

/// What units that are made of rotations came to.
#[derive(Default)]
pub(crate) struct RotationCounts {
    pub(crate) rotations: AtomicU64,
    pub(crate) transactions: AtomicU64,
    pub(crate) statements: AtomicU64,
}

impl Shared {
    /// A process that has done nothing yet.
    pub(crate) fn new(options: &Options) -> Self {
        let clock_offset = ClockOffset::default();
        let here = Arc::clone(&options.clock);
        Self {
            clock: Arc::new(OffsetClock::new(here, clock_offset.clone())),
            clock_offset,
            revocations: Arc::clone(&options.revocations),
            commits: AtomicU64::new(0),
            units: AtomicU64::new(0),
            rotations: RotationCounts::default(),
            tally: Tally::default(),
            heartbeat: Heartbeat::default(),
            on_commit: Arc::clone(&options.on_commit),
        }
    }

    /// Counts what a unit took: statements also where it failed.
    pub(crate) fn worked(&self, unit: &dyn Unit, statements: u64, done: bool) {
        let Some(rotations) = unit.rotations() else {
            return;
        };
        let counts = &self.rotations;
        counts.statements.fetch_add(statements, Ordering::Relaxed);
        if done {
            let rotations = u64::try_from(rotations).unwrap_or(u64::MAX);
            counts.rotations.fetch_add(rotations, Ordering::Relaxed);
            counts.transactions.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a commit of so many units, which took so long to be durable.
    pub(crate) fn committed(&self, units: usize, took: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        let units = u64::try_from(units).unwrap_or(u64::MAX);
        self.units.fetch_add(units, Ordering::Relaxed);
        (self.on_commit)(took);
    }

    /// Makes the process know what the unit ended, after its commit and before anybody is told.
    pub(crate) fn learn(&self, unit: &dyn Unit) {
        let noticed = unit.noticed();
        if noticed.ended_now.is_empty() && noticed.ended_before.is_empty() {
            return;
        }
        let (now, monotonic) = (self.clock.now(), self.clock.monotonic());
        // From the commit on, not from when the end was asked for: a token that was minted while
        // the end waited for its turn is kept out just as long.
        for (id, reason) in &noticed.ended_now {
            self.tally.ended(*reason);
            self.revocations.insert(*id, now, now, monotonic);
        }
        // However long ago that was: whoever is told of it relies on it from now on, and a clock
        // that was set may make a token valid once more that is older, or younger, than its end.
        for (id, ended_at) in &noticed.ended_before {
            self.revocations
                .insert(*id, now.max(*ended_at), now, monotonic);
        }
    }
}

/// Waits for the outcome of a unit.
pub(crate) async fn wait<T>(asked: Result<Outcome<T>, Fault>) -> Result<T, StoreError> {
    match asked?.await {
        Ok(answer) => answer,
        Err(oneshot::Canceled) => Err(Fault::Closed.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_left_undone_only_long_after_its_asker_has_gone() {
        let long_ago = Instant::now().checked_sub(2 * LEFT_BEHIND_AFTER).unwrap();
        for (asked, gone, expected) in [
            (Instant::now(), true, false),
            (long_ago, false, false),
            (long_ago, true, true),
        ] {
            let (mut asker, outcome) = Asker::<()>::new();
            asker.asked = asked;
            let waits = (!gone).then_some(outcome);
            assert_eq!(asker.is_gone(), expected);
            drop(waits);
        }
    }
}
