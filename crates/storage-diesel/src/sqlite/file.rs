//! The file: made readable for its owner alone, opened with the settings that durability rests on.

use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::result::Error as DatabaseError;
use diesel::{Connection, SqliteConnection};
use url::Url;

use crate::error::OpenError;
use crate::options::SqliteOptions;

/// The path from the root, so that a later change of directory opens no other file.
pub(super) fn absolute(path: &Path) -> Result<PathBuf, OpenError> {
    std::path::absolute(path).map_err(|source| unwritable(path, source))
}

/// Makes the file if there is none, for its owner alone. SQLite gives its companions the same mode.
pub(super) fn create(path: &Path) -> Result<(), OpenError> {
    if let Some(directory) = path.parent().filter(|d| !d.is_dir()) {
        return Err(OpenError::DirectoryMissing(directory.to_owned()));
    }
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(unwritable(path, error)),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Opens the writing connection.
pub(super) fn connect(path: &Path, options: &SqliteOptions) -> Result<SqliteConnection, OpenError> {
    let max_pages = options.max_pages.map_or_else(String::new, |pages| {
        format!("PRAGMA max_page_count = {pages};")
    });
    // FULL is what makes an acknowledged logout survive a power cut in WAL mode.
    let settings = format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; {max_pages}"
    );
    patiently(path, options, &settings)
}

/// Opens a connection that cannot write.
pub(super) fn connect_reader(
    path: &Path,
    options: &SqliteOptions,
) -> Result<SqliteConnection, OpenError> {
    patiently(path, options, "PRAGMA query_only = ON;")
}

/// Opens a connection with settings. The change to WAL does not wait for other processes as other
/// statements do, so when several start at once it is tried until that time has passed.
fn patiently(
    path: &Path,
    options: &SqliteOptions,
    settings: &str,
) -> Result<SqliteConnection, OpenError> {
    let started = Instant::now();
    loop {
        let opened = open(path, options).and_then(|mut conn| {
            conn.batch_execute(settings)
                .map_err(|error| classify(path, error))?;
            Ok(conn)
        });
        match opened {
            Err(OpenError::Database(error))
                if says(&error, "is locked") && started.elapsed() < options.busy_timeout =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

/// Opens a connection that stands alone, to look at the schema or to change it.
pub(crate) fn connect_alone(path: &Path, create_it: bool) -> Result<SqliteConnection, OpenError> {
    let path = absolute(path)?;
    let options = SqliteOptions::default();
    if create_it {
        create(&path)?;
        return connect(&path, &options);
    }
    open(&path, &options)
}

fn open(path: &Path, options: &SqliteOptions) -> Result<SqliteConnection, OpenError> {
    // Opening it here says why it does not open, which SQLite's message does not.
    match OpenOptions::new().read(true).write(true).open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(OpenError::Missing(path.to_owned()));
        }
        Err(error) => return Err(unwritable(path, error)),
    }
    // `mode=rw`: a file that vanished while the program runs is an error, not a new, empty database.
    let mut uri = Url::from_file_path(path)
        .map_err(|()| unwritable(path, ErrorKind::InvalidFilename.into()))?;
    uri.set_query(Some("mode=rw"));
    let mut conn =
        SqliteConnection::establish(uri.as_str()).map_err(|error| OpenError::Unreachable {
            server: path.display().to_string(),
            why: error.to_string(),
        })?;
    conn.batch_execute(&format!(
        "PRAGMA busy_timeout = {}; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; \
         PRAGMA mmap_size = 0; PRAGMA schema_version;",
        options.busy_timeout.as_millis()
    ))
    .map_err(|error| classify(path, error))?;
    Ok(conn)
}

fn classify(path: &Path, error: DatabaseError) -> OpenError {
    if says(&error, "not a database") {
        OpenError::NotADatabase(path.to_owned())
    } else {
        OpenError::Database(error)
    }
}

/// SQLite's codes do not come through Diesel, its texts do, and they are never translated.
fn says(error: &DatabaseError, what: &str) -> bool {
    matches!(error, DatabaseError::DatabaseError(_, info) if info.message().contains(what))
}

fn unwritable(path: &Path, source: std::io::Error) -> OpenError {
    OpenError::Unwritable {
        path: path.to_owned(),
        source,
    }
}
