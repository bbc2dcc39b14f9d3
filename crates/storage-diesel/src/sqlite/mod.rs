//! SQLite: one thread that writes, a few that read.

mod file;
mod writer;

use std::path::Path;
use std::sync::Arc;

use token_core::store::StoreError;

use self::writer::Writer;
use crate::connection::AnyConnection;
use crate::error::{Failure, Fault, OpenError};
use crate::link::{Link, Open};
use crate::migrate;
use crate::options::Options;
use crate::unit::{Outcome, Shared, Tx};
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
        let clock = || Arc::clone(&options.clock);
        let mut links = Vec::new();
        for _ in 0..options.sqlite.readers.max(1) {
            let (at, options) = (path.clone(), options.sqlite.clone());
            let open: Open =
                Box::new(move || file::connect_reader(&at, &options).map(AnyConnection::Sqlite));
            links.push(Link::new(open()?, open, clock()).watching(&path));
        }
        let readers = Workers::start("sqlite-read", links, shared)?;
        let link = Link::new(conn, open_writer, clock()).watching(&path);
        let writer = Writer::start(link, Arc::clone(shared))?;
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

    /// Commits what is queued and ends the threads.
    pub(crate) fn close(&self) {
        self.writer.close();
        self.readers.close();
    }
}
