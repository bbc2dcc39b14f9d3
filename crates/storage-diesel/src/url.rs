//! Which database: chosen by the scheme of a URL alone.

mod parameters;
mod postgres;

use std::fmt;
use std::path::{Path, PathBuf};

pub(crate) use postgres::{Defaults, PostgresUrl};

/// The URL of a database. Printing it never shows a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(pub(crate) Target);

/// The parsed form.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A file.
    Sqlite(PathBuf),
    /// A server, or several of which one is written to.
    Postgres(PostgresUrl),
}

/// Why a text is not the URL of a database. No message repeats a part of the text: what stands in
/// the wrong place may be a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// Another scheme, or none.
    #[error("a database URL begins with sqlite:// or postgres://")]
    Scheme,
    /// PostgreSQL's other way to say where a database is.
    #[error("`host=… dbname=…` is no URL: write postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    Keywords,
    /// `sqlite://` and nothing else.
    #[error("sqlite:// needs the path of a file, for example sqlite://data/renewd.db")]
    NoPath,
    /// SQLite's name for a database without a file.
    #[error("a database in memory would be lost at a restart: give the path of a file")]
    InMemory,
    /// Options after a question mark, or a NUL.
    #[error("a sqlite:// URL is the path of a file and has no options")]
    PathCharacter,
    /// A slash, a question mark or an at sign in the password.
    #[error("user name and password in a postgres:// URL must be percent-encoded")]
    UserInfo,
    /// A control character, or white space.
    #[error(
        "a postgres:// URL has no white space and no control characters: write %20 for a space"
    )]
    Character,
    /// A percent sign without its two digits, or a NUL in disguise.
    #[error(
        "a % in a postgres:// URL is followed by two hexadecimal digits: write %25 for the sign itself"
    )]
    Percent,
    /// A bracket without its partner, or something behind it.
    #[error("an IPv6 address in a postgres:// URL stands in brackets, for example [::1]:5432")]
    Brackets,
    /// What follows the colon is no port.
    #[error(
        "a port in a postgres:// URL is a number from 1 to 65535; user name and password end with @"
    )]
    Port,
    /// What follows the question mark, counted from one, is nothing that libpq knows.
    #[error(
        "parameter {0} after the question mark of the postgres:// URL is none that libpq knows: \
         write NAME=VALUE, with & between them, and percent-encode the values"
    )]
    Parameter(usize),
}

impl DatabaseUrl {
    /// Parses `sqlite://PATH`, with a relative or an absolute path taken literally, or
    /// `postgres://…` as libpq knows it (`postgresql://…` is the same), with one host or several.
    pub fn parse(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        let scheme = text.split_once("://");
        match scheme {
            Some(("sqlite", rest)) => sqlite(rest).map(Target::Sqlite).map(Self),
            Some(("postgres" | "postgresql", rest)) => {
                PostgresUrl::parse(rest).map(Target::Postgres).map(Self)
            }
            _ if is_keywords(text) => Err(InvalidDatabaseUrl::Keywords),
            _ => Err(InvalidDatabaseUrl::Scheme),
        }
    }

    /// The file of a SQLite database; `None` for a server.
    pub fn sqlite_path(&self) -> Option<&Path> {
        match &self.0 {
            Target::Sqlite(path) => Some(path),
            Target::Postgres(_) => None,
        }
    }
}

/// Whether libpq would take the text for `keyword = value` pairs.
fn is_keywords(text: &str) -> bool {
    let first = text.split_once('=').map_or("", |(name, _)| name.trim());
    parameters::find(first).is_some()
}

fn sqlite(path: &str) -> Result<PathBuf, InvalidDatabaseUrl> {
    match path {
        "" => Err(InvalidDatabaseUrl::NoPath),
        ":memory:" => Err(InvalidDatabaseUrl::InMemory),
        _ if path.contains(['?', '\0']) => Err(InvalidDatabaseUrl::PathCharacter),
        _ => Ok(PathBuf::from(path)),
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Target::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Target::Postgres(url) => url.fmt(f),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for DatabaseUrl {
    type Err = InvalidDatabaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_alone_chooses() {
        let path = |text| DatabaseUrl::parse(text).map(|u| u.sqlite_path().map(Path::to_owned));
        assert_eq!(
            path("sqlite://data/renewd.db"),
            Ok(Some("data/renewd.db".into()))
        );
        assert_eq!(path("sqlite:///srv/r.db"), Ok(Some("/srv/r.db".into())));
        assert_eq!(path("postgresql://localhost/renewd"), Ok(None));
        for (bad, why) in [
            ("", InvalidDatabaseUrl::Scheme),
            ("data/renewd.db", InvalidDatabaseUrl::Scheme),
            ("mysql://localhost", InvalidDatabaseUrl::Scheme),
            ("mysql://localhost/db?host=a", InvalidDatabaseUrl::Scheme),
            ("SQLITE://x", InvalidDatabaseUrl::Scheme),
            ("host=db dbname=renewd", InvalidDatabaseUrl::Keywords),
            ("password = 'a://b'", InvalidDatabaseUrl::Keywords),
            ("sqlite://", InvalidDatabaseUrl::NoPath),
            ("sqlite://:memory:", InvalidDatabaseUrl::InMemory),
            ("sqlite://a?mode=ro", InvalidDatabaseUrl::PathCharacter),
        ] {
            assert_eq!(DatabaseUrl::parse(bad).err(), Some(why), "{bad:?}");
        }
    }
}
