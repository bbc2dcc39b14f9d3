//! A connection that is opened again after a fault, though not in a tight loop.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use diesel::Connection;
use token_core::time::Clock;

use crate::connection::AnyConnection;
use crate::error::{Fault, OpenError};
use crate::stats::Connections;
use crate::vitals::Vitals;

/// How a connection is opened.
pub(crate) type Open = Box<dyn Fn() -> Result<AnyConnection, OpenError> + Send>;

/// How long to wait after the first failed attempt, and at most.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// A connection, or the way to one.
pub(crate) struct Link {
    open: Open,
    clock: Arc<dyn Clock>,
    connection: Option<AnyConnection>,
    opened: u32,
    vitals: Vitals,
    failed: Option<Failed>,
    file: Option<Watched>,
    counts: Arc<Connections>,
}

/// A file that must stay the one that was opened: SQLite goes on with a file that was removed or
/// replaced, and what it acknowledges then is gone.
struct Watched {
    path: PathBuf,
    identity: Option<Identity>,
}

/// Device and inode.
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.dev(), metadata.ino()))
}

/// Elsewhere a file that is open can neither be removed nor replaced.
#[cfg(not(unix))]
const fn identity(_: &Path) -> Option<Identity> {
    None
}

struct Failed {
    why: Arc<OpenError>,
    pause: Duration,
    retry_at: Duration,
}

impl Link {
    /// Begins with a connection that was opened already, and shows signs of life there.
    pub(crate) fn new(
        mut connection: AnyConnection,
        open: Open,
        clock: Arc<dyn Clock>,
        counts: Arc<Connections>,
        vitals: Vitals,
    ) -> Self {
        counts.started();
        connection.set_instrumentation(vitals.clone());
        Self {
            open,
            clock,
            connection: Some(connection),
            opened: 1,
            vitals,
            failed: None,
            file: None,
            counts,
        }
    }

    /// Gives the connection up as soon as this file is not the one any more that it is now.
    pub(crate) fn watching(mut self, path: &Path) -> Self {
        self.file = Some(Watched {
            path: path.to_owned(),
            identity: identity(path),
        });
        self
    }

    /// The connection, opened if it has to be. While attempts fail, most calls answer at once, so
    /// that those who wait are not kept waiting.
    pub(crate) fn get(&mut self) -> Result<&mut AnyConnection, Fault> {
        self.look_at_the_file();
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.reopen()?,
        };
        Ok(self.connection.insert(connection))
    }

    fn look_at_the_file(&mut self) {
        let Some(file) = &mut self.file else {
            return;
        };
        let identity = identity(&file.path);
        if identity != file.identity {
            tracing::error!(path = %file.path.display(), "the database file was removed or replaced");
            file.identity = identity;
            self.lose();
        }
    }

    /// Whether there is a connection, as far as is known.
    pub(crate) const fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// How many connections there have been, this one included.
    pub(crate) const fn opened(&self) -> u32 {
        self.opened
    }

    /// How many statements were sent over all of them.
    pub(crate) fn sent(&self) -> u64 {
        self.vitals.sent()
    }

    /// Gives the connection up; whatever was not committed on it is undone.
    pub(crate) fn lose(&mut self) {
        let connection = self.connection.take();
        if connection.is_some() {
            self.counts.lost();
        }
        self.vitals.lost();
        // Diesel panics if a connection cannot be closed; it is lost in any case.
        drop(catch_unwind(AssertUnwindSafe(|| drop(connection))));
    }

    fn reopen(&mut self) -> Result<AnyConnection, Fault> {
        let now = self.clock.monotonic();
        if let Some(failed) = self.failed.as_ref().filter(|f| now < f.retry_at) {
            return Err(Fault::Unreachable(Arc::clone(&failed.why)));
        }
        match (self.open)() {
            Ok(mut connection) => {
                connection.set_instrumentation(self.vitals.clone());
                tracing::info!("connected to the database again");
                self.opened = self.opened.wrapping_add(1);
                self.counts.reopened();
                self.failed = None;
                Ok(connection)
            }
            Err(error) => {
                self.counts.failed();
                self.vitals.lost();
                let why = Arc::new(error);
                let pause = self.failed.as_ref().map_or(BACK_OFF.0, |f| f.pause * 2);
                let pause = pause.min(BACK_OFF.1);
                tracing::warn!(error = %why, "cannot connect to the database");
                self.failed = Some(Failed {
                    why: Arc::clone(&why),
                    pause,
                    retry_at: self.clock.monotonic() + pause,
                });
                Err(Fault::Unreachable(why))
            }
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.lose();
        self.counts.ended();
    }
}
