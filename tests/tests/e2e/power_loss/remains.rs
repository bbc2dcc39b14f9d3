//! What a cut left, as files again.

use std::fs;
use std::path::Path;

use e2e::database::Store;
use e2e::dice::Dice;
use e2e::history::Asked;
use e2e::power::{Disk, Left, Survivors};
use e2e::{Database, Setup};
use tempfile::TempDir;

use super::recording::{Acknowledged, Recording};

/// The files in a directory, which goes with them.
pub struct Remains {
    store: Store,
    _directory: TempDir,
}

impl Remains {
    pub fn of(left: &Left) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        write(left, directory.path());
        Self {
            store: Store::new(Database::sqlite(), directory.path()),
            _directory: directory,
        }
    }

    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Whether SQLite finds the database whole. One that is not there is whole too.
    pub fn check_integrity(&self) -> Result<(), String> {
        let found = self
            .store
            .try_texts("integrity_check", "FROM pragma_integrity_check")?;
        if found != ["ok"] {
            return Err(found.join(", "));
        }
        let found = self
            .store
            .try_texts("\"table\"", "FROM pragma_foreign_key_check")?;
        if !found.is_empty() {
            return Err(format!("foreign keys of {found:?}"));
        }
        Ok(())
    }
}

/// The shared memory of the log does not outlive the machine.
fn write(left: &Left, directory: &Path) {
    fs::create_dir_all(directory.join("data")).expect("a directory");
    for (name, content) in left {
        if !name.to_string_lossy().ends_with("-shm") {
            fs::write(directory.join(name), content).expect("a file");
        }
    }
}

/// renewd itself starts on what is left after a cut somewhere, and goes on with the newest
/// session.
///
/// # Panics
/// Where it does not.
pub fn start_on_some(recording: &Recording, dice: &mut Dice) {
    let last = dice.below(recording.steps.len());
    let mut disk = Disk::new(&recording.directory);
    for step in &recording.steps[..=last] {
        disk.follow(step);
    }
    let setup = Setup::sqlite();
    write(&disk.left(Survivors::Some(dice)), setup.directory());
    let server = setup.start();
    let told = recording.acknowledged.iter();
    let told: Vec<&Acknowledged> = told.take_while(|told| told.step <= last).collect();
    println!("renewd starts on what is left after {} answers", told.len());
    let Some(newest) = told.last() else {
        return;
    };
    // Of these it is known that nobody had asked for the end of the session yet.
    let goes_on = matches!(
        newest.event.asked,
        Asked::LogIn { .. }
            | Asked::Refresh {
                generation: 0 | 1,
                ..
            }
    );
    if let Some(token) = newest.token.as_ref().filter(|_| goes_on) {
        server.anonymous().present(token).expect(200);
    }
}
