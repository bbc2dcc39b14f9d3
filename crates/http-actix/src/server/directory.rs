//! The directory of a SQLite database.

use std::path::Path;

use super::ServeError;
use crate::config::Config;
use crate::config::settings::DATABASE_URL;

/// Makes the directory of the default database, for its owner only. A path that somebody chose is
/// not made: it may be a slip of the pen, or a disk that is not mounted.
pub(super) fn prepare(config: &Config) -> Result<(), ServeError> {
    let Some(directory) = config.database.url.sqlite_path().and_then(Path::parent) else {
        return Ok(());
    };
    if directory.as_os_str().is_empty() || directory.is_dir() {
        return Ok(());
    }
    if !config.database.is_default {
        let problem = format!("the directory {} does not exist", directory.display());
        return Err(config.effective.mistake(&DATABASE_URL, problem).into());
    }
    storage_diesel::create_directory(directory).map_err(|source| ServeError::Directory {
        path: directory.to_owned(),
        source,
    })
}
