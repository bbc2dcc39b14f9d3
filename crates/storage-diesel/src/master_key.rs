//! The master key's file: read, or made once, so that server and command line agree on one key.
//!
//! Whoever may find a database with keys in it calls [`load`] there: a new key would open none of
//! them. [`load_or_create`] is for a fresh installation.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use token_core::key::{InvalidMasterKey, MasterKey};
use token_core::random::SystemEntropy;
use token_core::secret::SecretString;

use crate::directory::create_directory;

/// A key has 44 characters; what is longer than this is some other file.
const MAX_BYTES: u64 = 1_024;

/// The master key's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyFileError {
    /// There is none.
    #[error("there is no master key file {}", path.display())]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// It cannot be read.
    #[error("cannot read the master key file {}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It cannot be created.
    #[error("cannot create the master key file {}: {source}", path.display())]
    Create {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It holds something else.
    #[error("the master key file {} does not hold a master key: {source}", path.display())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What a key looks like.
        source: InvalidMasterKey,
    },
}

/// Reads the key.
pub fn load(path: &Path) -> Result<MasterKey, MasterKeyFileError> {
    let text = read(path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => MasterKeyFileError::Missing { path: path.into() },
        _ => MasterKeyFileError::Read {
            path: path.into(),
            source,
        },
    })?;
    MasterKey::parse(text.expose()).map_err(|source| MasterKeyFileError::Invalid {
        path: path.into(),
        source,
    })
}

/// Reads the key, or makes one where there is no file yet: with its directory, for its owner's
/// eyes only. Processes that do this at once end up with one key.
pub fn load_or_create(path: &Path) -> Result<MasterKey, MasterKeyFileError> {
    match load(path) {
        Err(MasterKeyFileError::Missing { .. }) => {}
        loaded => return loaded,
    }
    match create(path, &MasterKey::generate(&SystemEntropy::default())) {
        Ok(()) => {}
        Err(source) if source.kind() == ErrorKind::AlreadyExists => {}
        Err(source) => {
            return Err(MasterKeyFileError::Create {
                path: path.into(),
                source,
            });
        }
    }
    // Read back in either case: what counts is what the next start will find.
    load(path)
}

/// Puts another key in the place of the file's, which is kept beside it under a name that ends in
/// the name of the key: backups made before need it. At every moment the place holds one of the
/// two, whole. Gives the name of the kept file.
pub fn replace(path: &Path, new: &MasterKey) -> Result<PathBuf, MasterKeyFileError> {
    let old = load(path)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(old.kid());
    let kept = path.with_file_name(name);
    let failed = |source| MasterKeyFileError::Create {
        path: path.into(),
        source,
    };
    match fs::hard_link(path, &kept) {
        Ok(()) => {}
        // From an attempt that did not get to its end.
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    let directory = directory(path);
    let aside = written(directory, new).map_err(failed)?;
    aside.persist(path).map_err(|error| failed(error.error))?;
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(failed)?;
    Ok(kept)
}

fn read(path: &Path) -> io::Result<SecretString> {
    let mut text = String::new();
    File::open(path)?
        .take(MAX_BYTES)
        .read_to_string(&mut text)?;
    Ok(text.into())
}

/// Writes the whole file aside (mode 0600) and then gives it its name, unless somebody else was
/// faster: nobody ever reads half a key. The file, its name and that of its directory are on disk
/// before anything is sealed with the key.
fn create(path: &Path, key: &MasterKey) -> io::Result<()> {
    let directory = directory(path);
    create_directory(directory)?;
    written(directory, key)?
        .persist_noclobber(path)
        .map_err(|refused| refused.error)?;
    File::open(directory)?.sync_all()
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A file without a lasting name, on disk.
fn written(directory: &Path, key: &MasterKey) -> io::Result<NamedTempFile> {
    let mut aside = tempfile::Builder::new()
        .prefix(".master-key-")
        .tempfile_in(directory)?;
    let text = SecretString::new(key.to_text());
    writeln!(aside, "{}", text.expose())?;
    aside.as_file().sync_all()?;
    Ok(aside)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_replaced_key_is_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let old = load_or_create(&path).unwrap();
        let new = MasterKey::generate(&SystemEntropy::default());
        let kept = replace(&path, &new).unwrap();
        assert_eq!(load(&path).unwrap().kid(), new.kid());
        assert_eq!(load(&kept).unwrap().kid(), old.kid());
        assert!(kept.to_str().unwrap().ends_with(&old.kid()));
        #[cfg(unix)]
        for file in [&path, &kept] {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(file).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        // Begun and not finished before: the kept file is there already.
        fs::write(&path, old.to_text()).unwrap();
        assert_eq!(replace(&path, &new).unwrap(), kept);
        assert_eq!(load(&path).unwrap().kid(), new.kid());
    }

    #[test]
    fn a_key_is_made_once_and_only_its_owner_reads_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data/master.key");
        assert!(matches!(
            load(&path),
            Err(MasterKeyFileError::Missing { .. })
        ));
        let made = load_or_create(&path).unwrap();
        assert_eq!(load_or_create(&path).unwrap().kid(), made.kid());
        assert_eq!(load(&path).unwrap().kid(), made.kid());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let bits = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(bits & 0o777, 0o600);
        }
        let names = fs::read_dir(directory.path().join("data")).unwrap().count();
        assert_eq!(names, 1, "nothing is left aside");
    }

    #[test]
    fn processes_that_start_at_once_agree() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        let kids: Vec<String> = thread::scope(|scope| {
            let starts: Vec<_> = (0..16)
                .map(|_| scope.spawn(|| load_or_create(&path).unwrap().kid()))
                .collect();
            starts.into_iter().map(|s| s.join().unwrap()).collect()
        });
        assert!(kids.iter().all(|kid| *kid == kids[0]), "{kids:?}");
    }

    #[test]
    fn a_file_that_holds_no_key_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("master.key");
        for text in ["", "no key", &"A".repeat(2_000)] {
            fs::write(&path, text).unwrap();
            assert!(matches!(
                load_or_create(&path),
                Err(MasterKeyFileError::Invalid { .. })
            ));
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
