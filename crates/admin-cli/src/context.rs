//! What every command works with: settings, the clock, randomness, and the way to the database.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use storage_diesel::{MigrationStatus, OpenError, Options, Storage};
use token_core::random::{Entropy, SystemEntropy};
use token_core::revocation::{Freshness, RevocationSet, WhenStale};
use token_core::store::{StoreError, StoreFuture};
use token_core::time::{Clock, SystemClock, Timestamp};

use crate::failure::Failure;
use crate::output::Printer;
use crate::question::Consent;
use crate::settings::Settings;

/// What a command works with.
pub struct Context {
    /// What is set.
    pub settings: Settings,
    /// Where the answer goes.
    pub printer: Printer,
    /// Where random bytes come from.
    pub entropy: Arc<dyn Entropy>,
    clock: Arc<dyn Clock>,
    yes: bool,
}

/// Waits for storage, whose threads do the work; this one has nothing else to do.
pub fn wait<T>(work: StoreFuture<'_, T>) -> Result<T, StoreError> {
    futures_executor::block_on(work)
}

impl Context {
    /// Nothing is opened yet.
    pub fn new(settings: Settings, printer: Printer, yes: bool) -> Self {
        Self {
            settings,
            printer,
            entropy: Arc::new(SystemEntropy::default()),
            clock: Arc::new(SystemClock::default()),
            yes,
        }
    }

    /// What time it is.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The right to end or delete something; refuses where nobody can be asked.
    pub fn consent(&self) -> Result<Consent, Failure> {
        Consent::from_flag(self.yes)
    }

    /// Opens the database as it is: none is made, none is migrated.
    pub fn open(&self) -> Result<Storage, Failure> {
        self.storage(false, false)
    }

    /// Opens the database to look at it, even if it is a restored backup that nobody may work on yet.
    pub fn open_to_read(&self) -> Result<Storage, Failure> {
        self.storage(false, true)
    }

    /// Opens the database; one that does not exist yet or has nothing in it is set up first, as
    /// the server would do it. An older one is left to `db migrate`.
    pub fn open_or_create(&self) -> Result<Storage, Failure> {
        let database = &self.settings.database;
        let fresh = match Storage::migration_status(database) {
            Ok(status) => is_untouched(&status),
            Err(OpenError::Missing(_)) => true,
            Err(error) => return Err(error.into()),
        };
        if fresh {
            self.create_directory()?;
            self.printer
                .remark(&format!("setting up the new database {database}"));
        }
        self.storage(fresh, false)
    }

    /// Makes the directory of a SQLite file.
    pub fn create_directory(&self) -> Result<(), Failure> {
        let path = self.settings.database.sqlite_path();
        let directory = path.and_then(Path::parent);
        match directory.filter(|directory| !directory.as_os_str().is_empty()) {
            None => Ok(()),
            Some(directory) => {
                storage_diesel::create_directory(directory).map_err(|source| Failure::Directory {
                    path: directory.to_owned(),
                    source,
                })
            }
        }
    }

    fn storage(&self, migrate: bool, accept_copy: bool) -> Result<Storage, Failure> {
        let clock = Arc::clone(&self.clock);
        // Nothing here verifies tokens: the set is filled and never asked.
        let freshness = Freshness {
            max_staleness: Duration::ZERO,
            when_stale: WhenStale::Closed,
        };
        let retention = self.settings.token_retention;
        let revocations = Arc::new(RevocationSet::new(retention, freshness));
        let mut options = Options::new(clock, revocations);
        options.migrate = migrate;
        options.accept_copy = accept_copy;
        options.sqlite.readers = 1;
        options.postgres = self.settings.postgres.clone();
        Ok(Storage::open(&self.settings.database, &options)?)
    }
}

fn is_untouched(status: &MigrationStatus) -> bool {
    status.unknown.is_empty() && status.migrations.iter().all(|migration| !migration.applied)
}
