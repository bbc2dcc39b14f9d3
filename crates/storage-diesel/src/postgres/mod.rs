//! PostgreSQL: a few threads with a connection each, a few more that rotate in batches, and one
//! that listens. One more looks after them all. Every unit of work is one transaction in READ COMMITTED, where a statement sees
//! what was committed before it began: the conditional writes check again after waiting for a lock.

mod advice;
mod background;
mod batch;
mod clock;
mod guard;
mod rights;
mod roots;
mod rotations;
mod session;
mod watch;

use std::sync::Arc;

use diesel::PgConnection;
use token_core::token::rotation::{Rotation, RotationOutcome};

use self::background::Background;
use self::clock::Offset;
use self::rotations::Rotations;
use self::watch::Watch;
use crate::connection::AnyConnection;
use crate::error::{Failure, Fault, OpenError};
use crate::installation;
use crate::link::{Link, Open};
use crate::migrate;
use crate::options::{Options, PostgresOptions};
use crate::unit::{Outcome, Shared, Tx};
use crate::url::PostgresUrl;
use crate::vitals::Vitals;
use crate::workers::Workers;

pub(crate) use rights::check_migrate;
pub(crate) use session::{check, connect};

/// A PostgreSQL database with its threads.
pub(crate) struct Database {
    workers: Arc<Workers>,
    rotations: Rotations,
    watch: Watch,
    guard: Background,
    doubts: Vec<String>,
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
        let doubts = session::doubts(&mut conn)?;
        let mut conn = AnyConnection::Postgres(conn);
        if options.migrate {
            migrate::run(&mut conn)?;
        }
        migrate::check(&mut conn)?;
        if let AnyConnection::Postgres(conn) = &mut conn {
            rights::check_tables(conn)?;
        }
        installation::settle(&mut conn, options)?;
        drop(conn);
        let limits = &options.postgres;
        let mut links = Links {
            url,
            options,
            shared,
            vitals: Vec::new(),
        };
        let for_work = links.several(limits.connections, limits, session::connect_with)?;
        let workers = Arc::new(Workers::start("postgres", for_work, shared)?);
        let lock_timeout = limits.rotation_lock_timeout.min(limits.lock_timeout);
        let for_batches = PostgresOptions {
            lock_timeout,
            ..limits.clone()
        };
        let for_batches = links.several(
            limits.rotation_connections,
            &for_batches,
            session::connect_for_batches,
        )?;
        let rotations = Rotations::start(for_batches, lock_timeout, shared, &workers)?;
        let offset = Offset::new(Arc::clone(&options.clock), shared.clock_offset.clone());
        let listening = links.one(limits, watch::listen)?;
        let watch = Watch::start(listening, offset, shared)?;
        let (url, limits) = (url.clone(), limits.clone());
        let ask = Box::new(move || connect(&url, &limits));
        let guard = guard::start(links.vitals, ask)?;
        Ok(Self {
            workers,
            rotations,
            watch,
            guard,
            doubts,
        })
    }

    /// See [`session::doubts`].
    pub(crate) fn doubts(&self) -> &[String] {
        &self.doubts
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

    /// How much work waits in which queue.
    pub(crate) fn waiting(&self) -> [(&'static str, usize); 2] {
        [
            ("work", self.workers.waiting()),
            ("rotate", self.rotations.waiting()),
        ]
    }

    /// Commits what is queued and ends the threads.
    pub(crate) fn close(&self) {
        self.watch.close();
        // First those that may leave something to the others.
        self.rotations.close();
        self.workers.close();
        // Last: whoever waits for an answer that was lost ends with its help.
        self.guard.close();
    }
}

/// The way to a connection.
type Connect = fn(&PostgresUrl, &PostgresOptions, &Vitals) -> Result<PgConnection, OpenError>;

/// What opens connections, now and whenever one is lost.
struct Links<'a> {
    url: &'a PostgresUrl,
    options: &'a Options,
    shared: &'a Shared,
    /// Of every connection that was opened.
    vitals: Vec<Vitals>,
}

impl Links<'_> {
    /// So many; one at least.
    fn several(
        &mut self,
        count: usize,
        limits: &PostgresOptions,
        connect: Connect,
    ) -> Result<Vec<Link>, OpenError> {
        let links = (0..count.max(1)).map(|_| self.one(limits, connect));
        links.collect()
    }

    fn one(&mut self, limits: &PostgresOptions, connect: Connect) -> Result<Link, OpenError> {
        let vitals = Vitals::default();
        let (url, limits, followed) = (self.url.clone(), limits.clone(), vitals.clone());
        let open: Open =
            Box::new(move || connect(&url, &limits, &followed).map(AnyConnection::Postgres));
        self.vitals.push(vitals.clone());
        let counts = Arc::clone(&self.shared.tally.connections);
        let clock = Arc::clone(&self.options.clock);
        let conn = open()?;
        let open = installation::guarded(open, self.options);
        Ok(Link::new(conn, open, clock, counts, vitals))
    }
}
