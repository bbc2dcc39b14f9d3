//! Attempts: a unit of work on a connection, again where what failed may pass.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use diesel::connection::TransactionManager;
use diesel::result::Error as DatabaseError;
use token_core::store::StoreError;

use crate::connection::AnyConnection;
use crate::error::{Failure, Fault};
use crate::heartbeat::Heartbeat;
use crate::link::Link;
use crate::unit::{Shared, Unit, expect_depth};

/// How often a unit is tried.
const TRIES: u32 = 4;

/// A connection of one thread's, and how patient it is.
pub(crate) struct Runner {
    link: Link,
    shared: Arc<Shared>,
    patience: Duration,
}

/// Whether a unit of work is a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It only reads, statement by statement.
    Read,
    /// It is one transaction.
    Write,
}

/// A unit of work that could not be done.
pub(crate) enum Failed {
    /// There is no connection to do it on.
    Unreachable(Fault),
    /// It was tried.
    Tried {
        /// What the last attempt met.
        failure: Failure,
        /// Whether certainly nothing of it was committed.
        undone: bool,
        /// How long all attempts took together.
        spent: Duration,
    },
}

impl From<Failed> for StoreError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Unreachable(fault) => fault.into(),
            Failed::Tried { failure, .. } => failure.into(),
        }
    }
}

impl Runner {
    /// Tries units on this connection, for `patience` at most; a single attempt may take longer.
    pub(crate) const fn new(link: Link, shared: Arc<Shared>, patience: Duration) -> Self {
        Self {
            link,
            shared,
            patience,
        }
    }

    /// Whether there is a connection, as far as is known.
    pub(crate) const fn is_connected(&self) -> bool {
        self.link.is_connected()
    }

    /// Tries to have one again, and answers whether there is.
    pub(crate) fn reconnect(&mut self) -> bool {
        // The link has said why not.
        self.link.get().is_ok()
    }

    /// Does the unit. Afterwards it can be answered: what it ended, the process knows.
    pub(crate) fn run(&mut self, unit: &mut dyn Unit, kind: Kind) -> Result<(), Failed> {
        let sent = self.link.sent();
        let done = catch_unwind(AssertUnwindSafe(|| self.try_on(unit, kind)));
        let done = done.unwrap_or_else(|_| {
            self.link.lose();
            Err(Failed::Tried {
                failure: Failure::Panicked,
                undone: false,
                spent: Duration::ZERO,
            })
        });
        let sent = self.link.sent().wrapping_sub(sent);
        self.shared.worked(unit, sent, done.is_ok());
        if done.is_ok() {
            self.shared.learn(unit);
        }
        done
    }

    fn try_on(&mut self, unit: &mut dyn Unit, kind: Kind) -> Result<(), Failed> {
        let started = self.shared.clock.monotonic();
        let mut tries = 0;
        loop {
            tries += 1;
            let conn = self.link.get().map_err(Failed::Unreachable)?;
            let attempt = match kind {
                Kind::Read => read(conn, unit),
                Kind::Write => in_transaction(conn, unit, &self.shared.heartbeat)
                    .map(|took| self.shared.committed(unit.size(), took)),
            };
            let Err(failed) = attempt else {
                return Ok(());
            };
            if !failed.connection_is_good {
                self.link.lose();
            }
            let spent = self.shared.clock.monotonic().saturating_sub(started);
            let again = failed.undone && failed.failure.may_pass();
            if !again || tries == TRIES || spent > self.patience {
                return Err(Failed::Tried {
                    failure: failed.failure,
                    undone: failed.undone,
                    spent,
                });
            }
            self.shared.tally.retries.fetch_add(1, Ordering::Relaxed);
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

/// Does the unit and says how long the commit took.
fn in_transaction(
    conn: &mut AnyConnection,
    unit: &mut dyn Unit,
    heartbeat: &Heartbeat,
) -> Result<Duration, FailedAttempt> {
    let fault = |error: DatabaseError, undone| FailedAttempt {
        failure: error.into(),
        undone,
        connection_is_good: false,
    };
    AnyConnection::begin_transaction(conn).map_err(|error| fault(error, true))?;
    let done = unit.run(conn);
    match done.and_then(|()| Ok(heartbeat.write(conn, unit.noticed().made_at)?)) {
        Ok(beat) => {
            let started = Instant::now();
            AnyConnection::commit_transaction(conn).map_err(|error| fault(error, false))?;
            heartbeat.committed(beat);
            Ok(started.elapsed())
        }
        Err(failure) => Err(FailedAttempt {
            connection_is_good: AnyConnection::rollback_transaction(conn)
                .and_then(|()| expect_depth(conn, 0))
                .is_ok()
                && !failure.is_of_a_reader(),
            undone: true,
            failure,
        }),
    }
}
