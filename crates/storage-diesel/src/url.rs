//! Which database: chosen by the scheme of a URL alone.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The URL of a database. Printing it never shows a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(pub(crate) Target);

/// The parsed form.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A file.
    Sqlite(PathBuf),
    /// A server.
    Postgres(PostgresUrl),
}

/// A PostgreSQL URL, taken apart just far enough to print and extend it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PostgresUrl {
    user_info: Option<String>,
    hosts: String,
    /// With its leading slash, if there is one.
    path: String,
    query: String,
}

/// Why a text is not the URL of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDatabaseUrl {
    /// Another scheme, or none.
    #[error("a database URL begins with sqlite:// or postgres://")]
    Scheme,
    /// `sqlite://` and nothing else.
    #[error("sqlite:// needs the path of a file, for example sqlite://data/renewd.db")]
    NoPath,
    /// SQLite's name for a database without a file.
    #[error("a database in memory would be lost at a restart: give the path of a file")]
    InMemory,
    /// Options after a question mark, or a NUL.
    #[error("a sqlite:// URL is the path of a file and has no options")]
    PathCharacter,
    /// A slash or question mark in the password.
    #[error("user name and password in a postgres:// URL must be percent-encoded")]
    UserInfo,
    /// A NUL or another control character.
    #[error("a postgres:// URL has no control characters")]
    Control,
}

impl DatabaseUrl {
    /// Parses `sqlite://PATH`, with a relative or an absolute path taken literally, or
    /// `postgres://…` as libpq knows it (`postgresql://…` is the same).
    pub fn parse(text: &str) -> Result<Self, InvalidDatabaseUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidDatabaseUrl::Scheme)?;
        match scheme {
            "sqlite" => sqlite(rest).map(Target::Sqlite).map(Self),
            "postgres" | "postgresql" => PostgresUrl::parse(rest).map(Target::Postgres).map(Self),
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

fn sqlite(path: &str) -> Result<PathBuf, InvalidDatabaseUrl> {
    match path {
        "" => Err(InvalidDatabaseUrl::NoPath),
        ":memory:" => Err(InvalidDatabaseUrl::InMemory),
        _ if path.contains(['?', '\0']) => Err(InvalidDatabaseUrl::PathCharacter),
        _ => Ok(PathBuf::from(path)),
    }
}

impl PostgresUrl {
    fn parse(rest: &str) -> Result<Self, InvalidDatabaseUrl> {
        if rest.chars().any(char::is_control) {
            return Err(InvalidDatabaseUrl::Control);
        }
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        let slash = before.find('/').unwrap_or(before.len());
        let (authority, path) = before.split_at(slash);
        // An `@` behind the first slash means that the slash was part of a password, and libpq's
        // message would print the rest of it as a host.
        if path.contains('@') {
            return Err(InvalidDatabaseUrl::UserInfo);
        }
        let (user_info, hosts) = match authority.rsplit_once('@') {
            Some((user_info, hosts)) => (Some(user_info.to_owned()), hosts),
            None => (None, authority),
        };
        Ok(Self {
            user_info,
            hosts: hosts.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
        })
    }

    /// What libpq is given: the URL, and time limits where it names none, because libpq itself
    /// waits for ever for an answer.
    pub(crate) fn connection_string(&self, connect_timeout: Duration) -> String {
        let seconds = connect_timeout.as_secs().max(2);
        let limits = [
            ("connect_timeout", seconds.to_string()),
            ("tcp_user_timeout", (seconds * 2_000).to_string()),
            ("keepalives_idle", "10".to_owned()),
            ("keepalives_interval", "5".to_owned()),
            ("keepalives_count", "3".to_owned()),
            ("application_name", "renewd".to_owned()),
        ];
        let missing = limits.iter().filter(|(name, _)| !self.names(name));
        let given = self.query.split('&').filter(|part| !part.is_empty());
        let query: Vec<String> = given
            .map(str::to_owned)
            .chain(missing.map(|(name, value)| format!("{name}={value}")))
            .collect();
        let user_info = self
            .user_info
            .as_ref()
            .map_or_else(String::new, |user_info| format!("{user_info}@"));
        let (hosts, path) = (&self.hosts, &self.path);
        format!("postgres://{user_info}{hosts}{path}?{}", query.join("&"))
    }

    fn names(&self, parameter: &str) -> bool {
        self.query
            .split('&')
            .any(|part| part.split('=').next() == Some(parameter))
    }
}

/// Without options, because libpq takes passwords there too.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user_info) = &self.user_info {
            let user = user_info.split(':').next().unwrap_or_default();
            write!(f, "{user}@")?;
        }
        write!(f, "{}{}", self.hosts, self.path)
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

    fn printed(text: &str) -> Result<String, InvalidDatabaseUrl> {
        DatabaseUrl::parse(text).map(|url| format!("{url} {url:?}"))
    }

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
            ("SQLITE://x", InvalidDatabaseUrl::Scheme),
            ("sqlite://", InvalidDatabaseUrl::NoPath),
            ("sqlite://:memory:", InvalidDatabaseUrl::InMemory),
            ("sqlite://a?mode=ro", InvalidDatabaseUrl::PathCharacter),
            ("postgres://u:p/w@h/db", InvalidDatabaseUrl::UserInfo),
            ("postgres://h/\0", InvalidDatabaseUrl::Control),
        ] {
            assert_eq!(DatabaseUrl::parse(bad).err(), Some(why), "{bad:?}");
        }
    }

    #[test]
    fn no_password_is_printed() {
        for url in [
            "postgres://ann:hunter2@db:5432/renewd",
            "postgres://ann:hunt@hunter2@db:5432/renewd?password=hunter2",
            "postgresql://ann@db:5432/renewd?sslpassword=hunter2",
        ] {
            assert_eq!(
                printed(url),
                Ok("postgres://ann@db:5432/renewd postgres://ann@db:5432/renewd".to_owned())
            );
        }
    }

    #[test]
    fn time_limits_are_added_where_there_are_none() {
        let Ok(DatabaseUrl(Target::Postgres(url))) =
            DatabaseUrl::parse("postgres://a:b@h1,h2/db?connect_timeout=9&sslmode=require")
        else {
            panic!("a postgres URL");
        };
        assert_eq!(
            url.connection_string(Duration::from_secs(5)),
            "postgres://a:b@h1,h2/db?connect_timeout=9&sslmode=require&tcp_user_timeout=10000\
             &keepalives_idle=10&keepalives_interval=5&keepalives_count=3&application_name=renewd"
        );
    }
}
