//! PostgreSQL: a few threads with a connection each, a few more that rotate in batches, and one
//! that listens. Every unit of work is one transaction in READ COMMITTED, where a statement sees
//! what was committed before it began: the conditional writes check again after waiting for a lock.

mod batch;
mod clock;
mod rotations;
mod session;
mod watch;

use std::sync::Arc;

use diesel::PgConnection;
use token_core::token::rotation::{Rotation, RotationOutcome};

use self::clock::Offset;
use self::rotations::Rotations;
use self::watch::Watch;
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
    watch: Watch,
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
        let links = |count: usize, limits: &PostgresOptions| {
            let open = || link(url, limits, options, connect);
            (0..count)
                .map(|_| open())
                .collect::<Result<Vec<_>, OpenError>>()
        };
        let workers = Workers::start(
            "postgres",
            links(limits.connections.max(2), limits)?,
            shared,
        )?;
        let workers = Arc::new(workers);
        let lock_timeout = limits.rotation_lock_timeout;
        let for_batches = PostgresOptions {
            lock_timeout,
            ..limits.clone()
        };
        let links = links(limits.rotation_connections.max(1), &for_batches)?;
        let rotations = Rotations::start(links, lock_timeout, shared, &workers)?;
        let offset = Offset::new(Arc::clone(&options.clock), shared.clock_offset.clone());
        let watch = Watch::start(link(url, limits, options, watch::listen)?, offset)?;
        Ok(Self {
            workers,
            rotations,
            watch,
        })
    }

    /// Comes when sessions may have ended since this was last awaited.
    pub(crate) async fn ended(&self) {
        self.watch.ended().await;
    }

    /// Comes when keys may have changed since this was last awaited.
    pub(crate) async fn keys_changed(&self) {
        self.watch.keys_changed().await;
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
        self.watch.close();
        // First those that may leave something to the others.
        self.rotations.close();
        self.workers.close();
    }
}

/// A connection that is opened in that way now and whenever it is lost.
fn link(
    url: &PostgresUrl,
    limits: &PostgresOptions,
    options: &Options,
    open: fn(&PostgresUrl, &PostgresOptions) -> Result<PgConnection, OpenError>,
) -> Result<Link, OpenError> {
    let (url, limits) = (url.clone(), limits.clone());
    let open: Open = Box::new(move || open(&url, &limits).map(AnyConnection::Postgres));
    Ok(Link::new(open()?, open, Arc::clone(&options.clock)))
}
