//! SQLite: one thread that writes, a few that read.

pub(crate) mod backup;
mod file;
mod savepoint;
mod writer;

use std::path::Path;
use std::sync::Arc;

use token_core::store::StoreError;

use self::writer::Writer;
use crate::connection::AnyConnection;
use crate::error::{Failure, Fault, OpenError};
use crate::installation;
use crate::link::{Link, Open};
use crate::migrate;
use crate::options::Options;
use crate::unit::{Outcome, Shared, Tx};
use crate::vitals::Vitals;
use crate::workers::Workers;

pub(crate) use file::connect_alone;

/// A SQLite file with its threads.
pub(crate) struct Database {
    writer: Writer,
    readers: Workers,
}

impl Database {
    /// Opens the file, which is made if migrations may be run.
    pub(crate) fn open(
        path: &Path,
        options: &Options,
        shared: &Arc<Shared>,
    ) -> Result<Self, OpenError> {
        let path = file::absolute(path)?;
        if options.migrate {
            file::create(&path)?;
        }
        let open_writer: Open = {
            let (path, options) = (path.clone(), options.sqlite.clone());
            Box::new(move || file::connect(&path, &options).map(AnyConnection::Sqlite))
        };
        let mut conn = open_writer()?;
        if options.migrate {
            migrate::run(&mut conn)?;
        }
        migrate::check(&mut conn)?;
        installation::settle(&mut conn, options)?;
        let link = |conn, open| {
            let counts = Arc::clone(&shared.tally.connections);
            Link::new(
                conn,
                installation::guarded(open, options),
                Arc::clone(&options.clock),
                counts,
                Vitals::default(),
            )
            .watching(&path)
        };
        let mut links = Vec::new();
        for _ in 0..options.sqlite.readers.max(1) {
            let (at, options) = (path.clone(), options.sqlite.clone());
            let open: Open =
                Box::new(move || file::connect_reader(&at, &options).map(AnyConnection::Sqlite));
            links.push(link(open()?, open));
        }
        let readers = Workers::start("sqlite-read", links, shared)?;
        let writer = Writer::start(link(conn, open_writer), Arc::clone(shared))?;
        Ok(Self { writer, readers })
    }

    /// Queues a unit of work for the thread that writes.
    pub(crate) fn write<T, F>(&self, work: F) -> Result<Outcome<T>, Fault>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, Failure> + Send + 'static,
    {
        self.writer.write(work)
    }

    /// Queues work that only reads.
    pub(crate) fn read<T, F>(&self, work: F) -> Result<Outcome<T>, Fault>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, Failure> + Send + 'static,
    {
        self.readers.read(work)
    }

    /// A number that changes when another connection than the writer's has written, and only then.
    pub(crate) async fn version(&self) -> Result<u64, StoreError> {
        crate::unit::wait(self.writer.version()).await
    }

    /// How much work waits in which queue.
    pub(crate) fn waiting(&self) -> [(&'static str, usize); 2] {
        [
            ("write", self.writer.waiting()),
            ("read", self.readers.waiting()),
        ]
    }

    /// Commits what is queued and ends the threads. The writer's connection is the last one, so
    /// that it is the one that finds itself alone and removes the log.
    pub(crate) fn close(&self) {
        self.readers.close();
        self.writer.close();
    }
}
