//! PostgreSQL: a few threads with a connection each, and a few more that rotate in batches. Every
//! unit of work is one transaction in READ COMMITTED, where a statement sees what was committed
//! before it began: the conditional writes check again after waiting for a lock.

mod batch;
mod rotations;
mod session;

use std::sync::Arc;

use token_core::token::rotation::{Rotation, RotationOutcome};

use self::rotations::Rotations;
use crate::connection::AnyConnection;
use crate::error::{Failure, Fault, OpenError};
use crate::link::{Link, Open};
use crate::migrate;
use crate::options::{Options, PostgresOptions};
use crate::unit::{Outcome, Shared, Tx};
use crate::url::PostgresUrl;
use crate::workers::Workers;

pub(crate) use session::connect;

/// A PostgreSQL database with its threads.
pub(crate) struct Database {
    workers: Arc<Workers>,
    rotations: Rotations,
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
        let limits = &options.postgres;
        let link = |limits: &PostgresOptions| {
            let (url, limits) = (url.clone(), limits.clone());
            let open: Open = Box::new(move || connect(&url, &limits).map(AnyConnection::Postgres));
            Ok::<_, OpenError>(Link::new(open()?, open, Arc::clone(&options.clock)))
        };
        let links = (0..limits.connections.max(2)).map(|_| link(limits));
        let workers = Workers::start("postgres", links.collect::<Result<_, _>>()?, shared)?;
        let workers = Arc::new(workers);
        let for_batches = PostgresOptions {
            lock_timeout: limits.rotation_lock_timeout,
            ..limits.clone()
        };
        let links = (0..limits.rotation_connections.max(1)).map(|_| link(&for_batches));
        let rotations = Rotations::start(
            links.collect::<Result<_, _>>()?,
            limits.rotation_lock_timeout,
            shared,
            &workers,
        )?;
        Ok(Self { workers, rotations })
    }

    /// Queues a refresh.
    pub(crate) fn rotate(&self, rotation: Rotation) -> Result<Outcome<RotationOutcome>, Fault> {
        self.rotations.rotate(rotation)
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
        // First those that may leave something to the others.
        self.rotations.close();
        self.workers.close();
    }
}
