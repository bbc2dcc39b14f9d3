//! PostgreSQL: a few threads with a connection each. Every unit of work is one transaction in READ
//! COMMITTED, where a statement sees what was committed before it began: the conditional writes
//! check again after waiting for a lock.

mod session;

use std::sync::Arc;

use crate::connection::AnyConnection;
use crate::error::{Failure, Fault, OpenError};
use crate::link::{Link, Open};
use crate::migrate;
use crate::options::Options;
use crate::unit::{Outcome, Shared, Tx};
use crate::url::PostgresUrl;
use crate::workers::Workers;

pub(crate) use session::connect;

/// A PostgreSQL database with its threads.
pub(crate) struct Database {
    workers: Workers,
}

impl Database {
    /// Connects.
    pub(crate) fn open(
        url: &PostgresUrl,
        options: &Options,
        shared: &Arc<Shared>,
    ) -> Result<Self, OpenError> {
        // A connection of its own, because migrating lifts the limits of everyday work.
        let mut conn = connect(url, &options.postgres)?;
        session::check(&mut conn)?;
        let mut conn = AnyConnection::Postgres(conn);
        if options.migrate {
            migrate::run(&mut conn)?;
        }
        migrate::check(&mut conn)?;
        drop(conn);
        let mut links = Vec::new();
        for _ in 0..options.postgres.connections.max(2) {
            let (url, limits) = (url.clone(), options.postgres.clone());
            let open: Open = Box::new(move || connect(&url, &limits).map(AnyConnection::Postgres));
            links.push(Link::new(open()?, open, Arc::clone(&options.clock)));
        }
        let workers = Workers::start("postgres", links, shared)?;
        Ok(Self { workers })
    }

    /// Queues a unit of work.
    pub(crate) fn write<T, F>(&self, work: F) -> Result<Outcome<T>, Fault>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, Failure> + Send + 'static,
    {
        self.workers.write(work)
    }

    /// Queues work that only reads.
    pub(crate) fn read<T, F>(&self, work: F) -> Result<Outcome<T>, Fault>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, Failure> + Send + 'static,
    {
        self.workers.read(work)
    }

    /// Commits what is queued and ends the threads.
    pub(crate) fn close(&self) {
        self.workers.close();
    }
}
