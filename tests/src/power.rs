//! What a power cut leaves of a server's files.
//!
//! [`Trace`] runs a program under strace and reads which writes, syncs, changes of names and
//! answers there were, in their order. [`Disk`] follows them, and says for each moment what
//! the files may look like after a cut: whatever was synced is there, and of everything else
//! any part.

mod disk;
mod line;
#[cfg(test)]
mod tests;
mod trace;

pub use self::disk::{Disk, Left, Survivors};
pub use self::trace::Trace;

use std::path::PathBuf;

/// One thing that the traced program did, in the order of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Bytes on their way into a file.
    Write {
        /// Which file.
        file: PathBuf,
        /// At which offset.
        at: usize,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A file gets this length.
    Truncate {
        /// Which file.
        file: PathBuf,
        /// Its length from now on.
        length: usize,
    },
    /// A sync of a file or directory was asked for.
    SyncBegins {
        /// Who asked; a thread asks for one at a time.
        thread: u32,
        /// What.
        file: PathBuf,
    },
    /// It returned: whatever was written before it was asked for is durable.
    SyncEnds {
        /// Who had asked.
        thread: u32,
    },
    /// A file was opened that may have been made by that.
    Open {
        /// Which file.
        file: PathBuf,
        /// Whether it lost its content.
        emptied: bool,
    },
    /// A directory was made.
    MakeDirectory {
        /// Which one.
        path: PathBuf,
    },
    /// A file has another name from now on.
    Rename {
        /// The name that goes.
        from: PathBuf,
        /// The name that it gets.
        to: PathBuf,
    },
    /// A file has one more name.
    Link {
        /// A name that it has.
        from: PathBuf,
        /// The new one.
        to: PathBuf,
    },
    /// A name is gone.
    Unlink {
        /// Which one.
        path: PathBuf,
    },
    /// Bytes on their way to a client.
    Send {
        /// The bytes.
        bytes: Vec<u8>,
    },
}
