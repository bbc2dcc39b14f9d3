//! Why a command was not done, as one line that says what to do.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use storage_diesel::OpenError;
use storage_diesel::master_key::MasterKeyFileError;
use token_core::id::SessionId;
use token_core::key::KeyRingError;
use token_core::key::life::KeyRefusal;
use token_core::password::PasswordRejected;
use token_core::store::StoreError;

type Source = Box<dyn Error + Send + Sync>;

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line lacks something that only this situation asks for.
    #[error("{0}")]
    Usage(&'static str),
    /// A value on the command line is not what it should be.
    #[error("the {what} {source}")]
    Value {
        /// What it should be.
        what: &'static str,
        /// Why it is not.
        source: Source,
    },
    /// A setting is not what it should be.
    #[error("{place}: {source}")]
    Setting {
        /// Which flag, variable or key.
        place: String,
        /// What is wrong.
        source: Source,
    },
    /// The person at the terminal said no.
    #[error("nothing was changed")]
    Declined,
    /// Nobody goes by that name.
    #[error("there is no user {0}")]
    NoSuchUser(String),
    /// No session has that id.
    #[error("there is no session {0}")]
    NoSuchSession(SessionId),
    /// No client has that id.
    #[error("there is no client {0}")]
    NoSuchClient(String),
    /// The token could not be read.
    #[error("cannot read the token: {0}; give a file that has it, or - for standard input")]
    TokenInput(io::Error),
    /// What was read is no token.
    #[error("this is no token: three parts of base64url with JSON inside")]
    NotAToken,
    /// The user name is somebody's.
    #[error("the user name {0} is taken, or was freed only a moment ago")]
    UsernameTaken(String),
    /// The address is somebody's.
    #[error("the e-mail address {0} is taken, or was freed only a moment ago")]
    EmailTaken(String),
    /// The password does not do.
    #[error("the password {0}")]
    Password(#[from] PasswordRejected),
    /// The password could not be read.
    #[error("cannot read the password from {from}: {source}")]
    PasswordInput {
        /// Where from.
        from: String,
        /// Why not.
        source: io::Error,
    },
    /// The database cannot be opened.
    #[error("{}", told(source))]
    Open {
        /// Why not.
        #[from]
        source: OpenError,
    },
    /// The directory of a new database cannot be made.
    #[error("cannot create the directory {}: {source}", path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Keys are stored, but what opens them is not there.
    #[error(
        "the master key of this database is not there: {0}. Without it no password verifies; \
         restore the file, or say where it is with RENEWD_MASTER_KEY_FILE"
    )]
    MasterKeyLost(MasterKeyFileError),
    /// No master key was given, and there is no usual place for it.
    #[error("a PostgreSQL database needs RENEWD_MASTER_KEY_FILE or RENEWD_MASTER_KEY")]
    MasterKeyNotGiven,
    /// The master key's file cannot be used.
    #[error(transparent)]
    MasterKeyFile(#[from] MasterKeyFileError),
    /// The master key does not open what is stored.
    #[error(transparent)]
    Keys(#[from] KeyRingError),
    /// What was asked of the keys cannot be.
    #[error(transparent)]
    Refused(#[from] KeyRefusal),
    /// A pepper is needed.
    #[error(
        "{0} users have passwords that only this pepper verifies: it can be retired when they have logged in again"
    )]
    PepperInUse(u64),
    /// Servers change the keys all the time.
    #[error("the keys were changed by somebody else again and again: try once more")]
    KeysContended,
    /// The server has never run here.
    #[error("there are no keys yet: the server makes them when it starts")]
    NoKeys,
    /// The backup cannot be written.
    #[error("cannot write the backup {}: {source}", path.display())]
    BackupFile {
        /// Where to.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The database did not do its work.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The answer could not be printed.
    #[error("cannot write the answer: {0}")]
    Print(#[from] io::Error),
}

impl Failure {
    /// What the program's exit status says of it.
    pub const fn exit_status(&self) -> u8 {
        if matches!(self, Self::Usage(_)) { 2 } else { 1 }
    }

    /// A value on the command line that does not parse; `what` and the reason make a sentence.
    pub fn value<E: Error + Send + Sync + 'static>(what: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Value {
            what,
            source: source.into(),
        }
    }
}

/// Why a database cannot be opened, and what of this program helps.
fn told(error: &OpenError) -> String {
    match error {
        OpenError::Missing(path) => format!(
            "there is no database at {}: say which with --database-url or RENEWD_DATABASE_URL, or \
             make this one with `renewctl db migrate`",
            path.display()
        ),
        OpenError::Older { missing, .. } => format!(
            "the database's schema is older than this program ({missing} pending): run \
             `renewctl db migrate`"
        ),
        OpenError::DirectoryMissing(_)
        | OpenError::Unwritable { .. }
        | OpenError::NotADatabase(_)
        | OpenError::Newer(_)
        | OpenError::Unreachable { .. }
        | OpenError::Unsuitable(_)
        | OpenError::Database(_)
        | OpenError::Migration(_)
        | OpenError::Thread(_) => error.to_string(),
    }
}
