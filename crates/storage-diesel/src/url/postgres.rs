//! The URL of a PostgreSQL database: taken apart the way libpq does it, and refused where libpq
//! would take something else for a host, a port or a parameter than whoever wrote it.

use std::fmt;
use std::time::Duration;

use super::InvalidDatabaseUrl;
use super::parameters::{self, Parameter};

/// A PostgreSQL URL, taken apart just far enough to print and extend it. Its parts are as they were
/// written, percent-encoded.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PostgresUrl {
    user_info: Option<String>,
    /// One or several, each with its port, separated by commas; or none.
    hosts: String,
    /// With its leading slash, if there is one.
    path: String,
    parameters: Vec<Given>,
}

/// A parameter that was given.
#[derive(Clone)]
struct Given {
    parameter: &'static Parameter,
    value: String,
}

/// What a connection is opened with, unless the URL says otherwise.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Defaults {
    /// How long each host has to answer.
    pub(crate) connect_timeout: Duration,
    /// Where the system keeps the certificates that it trusts, for `sslrootcert=system`.
    pub(crate) system_roots: Option<&'static str>,
}

impl PostgresUrl {
    /// Parses what follows the scheme.
    pub(super) fn parse(rest: &str) -> Result<Self, InvalidDatabaseUrl> {
        if rest.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(InvalidDatabaseUrl::Character);
        }
        check_percent_signs(rest)?;
        let (user_info, rest) = match split_user_info(rest) {
            Some((user_info, rest)) => (Some(user_info), rest),
            None => (None, rest),
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let slash = place.find('/').unwrap_or(place.len());
        let (hosts, path) = place.split_at(slash);
        // Somebody's password has one of these signs as it is, and libpq's message would print the
        // rest of it as a host.
        if place.contains('@') || user_info.is_some_and(|text| text.contains('?')) {
            return Err(InvalidDatabaseUrl::UserInfo);
        }
        check_hosts(hosts)?;
        Ok(Self {
            user_info: user_info.map(str::to_owned),
            hosts: hosts.to_owned(),
            path: path.to_owned(),
            parameters: parse_parameters(query)?,
        })
    }

    /// What libpq is given: the URL, completed.
    pub(crate) fn connection_string(&self, defaults: Defaults) -> String {
        let mut parameters: Vec<(&str, String)> = self
            .parameters
            .iter()
            .map(|given| (given.parameter.name, given.value.clone()))
            .collect();
        self.trust_system_roots(&mut parameters, defaults.system_roots);
        let missing = self.missing(defaults.connect_timeout);
        parameters.extend(missing.filter(|(name, _)| self.value(name).is_none()));
        let query: Vec<String> = parameters
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let user_info = self.user_info.as_deref();
        let user_info = user_info.map_or_else(String::new, |text| format!("{text}@"));
        let (hosts, path) = (&self.hosts, &self.path);
        format!("postgres://{user_info}{hosts}{path}?{}", query.join("&"))
    }

    /// The rest of what a connection needs. libpq itself waits for ever: a server that is gone
    /// without a word is noticed by these, in about the time that connecting may take.
    fn missing(&self, connect_timeout: Duration) -> impl Iterator<Item = (&'static str, String)> {
        let limits = [
            (
                "connect_timeout",
                connect_timeout.as_secs().max(1).to_string(),
            ),
            ("tcp_user_timeout", connect_timeout.as_millis().to_string()),
            ("keepalives_idle", "2".to_owned()),
            ("keepalives_interval", "1".to_owned()),
            ("keepalives_count", "3".to_owned()),
            ("application_name", "renewd".to_owned()),
        ];
        // Of several servers one is written to.
        let primary = ("target_session_attrs", "read-write".to_owned());
        let several = self.has_several_hosts().then_some(primary);
        limits.into_iter().chain(several)
    }

    /// The TLS library is built in and does not know where this system keeps its certificates. With
    /// them every public authority is trusted, so libpq wants names to be verified; so does this.
    fn trust_system_roots(&self, parameters: &mut Vec<(&str, String)>, roots: Option<&str>) {
        let (Some("system"), Some(roots)) = (self.value("sslrootcert"), roots) else {
            return;
        };
        match self.value("sslmode") {
            None => parameters.push(("sslmode", "verify-full".to_owned())),
            Some("verify-full") => {}
            // libpq says that this will not do.
            Some(_) => return,
        }
        parameters.retain(|(name, _)| *name != "sslrootcert");
        parameters.push(("sslrootcert", roots.to_owned()));
    }

    /// What was given last, which counts.
    fn value(&self, name: &str) -> Option<&str> {
        let given = self.parameters.iter().rev();
        let mut found = given.filter(|given| given.parameter.name == name);
        found.next().map(|given| given.value.as_str())
    }

    fn has_several_hosts(&self) -> bool {
        let hosts = [
            Some(self.hosts.as_str()),
            self.value("host"),
            self.value("hostaddr"),
        ];
        let several =
            |hosts: &str| hosts.contains(',') || hosts.to_ascii_uppercase().contains("%2C");
        hosts.into_iter().flatten().any(several)
    }
}

/// As libpq does: up to the first at sign, if no slash comes before it.
fn split_user_info(rest: &str) -> Option<(&str, &str)> {
    let (user_info, rest) = rest.split_at(rest.find(['@', '/'])?);
    Some((user_info, rest.strip_prefix('@')?))
}

fn check_percent_signs(text: &str) -> Result<(), InvalidDatabaseUrl> {
    let mut pieces = text.split('%');
    pieces.next();
    let is_byte = |piece: &str| {
        let digits = piece.as_bytes().get(..2).unwrap_or_default();
        digits.len() == 2 && digits.iter().all(u8::is_ascii_hexdigit) && digits != b"00"
    };
    if pieces.all(is_byte) {
        Ok(())
    } else {
        Err(InvalidDatabaseUrl::Percent)
    }
}

fn check_hosts(hosts: &str) -> Result<(), InvalidDatabaseUrl> {
    for host in hosts.split(',') {
        let behind = match host.strip_prefix('[') {
            Some(address) => {
                let (address, behind) = address
                    .split_once(']')
                    .ok_or(InvalidDatabaseUrl::Brackets)?;
                if address.is_empty() || !(behind.is_empty() || behind.starts_with(':')) {
                    return Err(InvalidDatabaseUrl::Brackets);
                }
                behind
            }
            None => host
                .find(':')
                .and_then(|at| host.get(at..))
                .unwrap_or_default(),
        };
        // A colon without a number means the usual port.
        let port = behind.strip_prefix(':').unwrap_or_default();
        let is_port = || port.parse::<u16>().is_ok_and(|port| port != 0);
        if !port.is_empty() && !is_port() {
            return Err(InvalidDatabaseUrl::Port);
        }
    }
    Ok(())
}

fn parse_parameters(query: &str) -> Result<Vec<Given>, InvalidDatabaseUrl> {
    let parts = query.split('&').enumerate();
    parts
        .filter(|(_, part)| !part.is_empty())
        .map(|(index, part)| {
            let given = part.split_once('=').and_then(|(name, value)| {
                let parameter = parameters::find(name).filter(|_| !value.contains('='))?;
                let value = value.to_owned();
                Some(Given { parameter, value })
            });
            given.ok_or(InvalidDatabaseUrl::Parameter(index + 1))
        })
        .collect()
}

impl PartialEq for Given {
    fn eq(&self, other: &Self) -> bool {
        (self.parameter.name, &self.value) == (other.parameter.name, &other.value)
    }
}

impl Eq for Given {}

/// Without what is secret.
impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("postgres://")?;
        if let Some(user_info) = &self.user_info {
            let user = user_info.split(':').next().unwrap_or_default();
            write!(f, "{user}@")?;
        }
        write!(f, "{}{}", self.hosts, self.path)?;
        let public = self
            .parameters
            .iter()
            .filter(|given| given.parameter.is_public);
        for (index, Given { parameter, value }) in public.enumerate() {
            let mark = if index == 0 { '?' } else { '&' };
            write!(f, "{mark}{}={value}", parameter.name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::{DatabaseUrl, Target};

    fn parse(text: &str) -> PostgresUrl {
        match DatabaseUrl::parse(text) {
            Ok(DatabaseUrl(Target::Postgres(url))) => url,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn given_to_libpq(text: &str) -> String {
        let defaults = Defaults {
            connect_timeout: Duration::from_secs(5),
            system_roots: Some("/roots.pem"),
        };
        let completed = parse(text).connection_string(defaults);
        let usual = "connect_timeout=5&tcp_user_timeout=5000&keepalives_idle=2\
                     &keepalives_interval=1&keepalives_count=3&application_name=renewd";
        completed.replace(usual, "…")
    }

    #[test]
    fn no_password_is_printed() {
        for (url, printed) in [
            (
                "postgres://ann:hunter2@db:5432/renewd",
                "postgres://ann@db:5432/renewd",
            ),
            (
                "postgresql://ann:hunt%40hunter2:hunter2@a:1,[::1]:2,c/renewd?password=hunter2",
                "postgres://ann@a:1,[::1]:2,c/renewd",
            ),
            (
                "postgres://ann@db/renewd?sslpassword=hunter2&sslmode=require&password=hunter2@",
                "postgres://ann@db/renewd?sslmode=require",
            ),
            (
                "postgres:///renewd?host=/run/postgresql&user=ann&scram_client_key=hunter2",
                "postgres:///renewd?host=/run/postgresql&user=ann",
            ),
        ] {
            let url = DatabaseUrl::parse(url).unwrap();
            assert_eq!(format!("{url} {url:?}"), format!("{printed} {printed}"));
        }
    }

    /// What libpq would take for something else, and print.
    #[test]
    fn what_may_be_a_piece_of_a_password_is_refused() {
        use InvalidDatabaseUrl::{Brackets, Character, Parameter, Percent, Port, UserInfo};
        for (bad, why) in [
            ("postgres://u:p/w@h/db", UserInfo),
            ("postgres://u:p?w@h/db", UserInfo),
            ("postgres://u:p@w@h/db", UserInfo),
            ("postgres://u:p@@h/db", UserInfo),
            ("postgres://h?password=a@b", UserInfo),
            ("postgres://h/\0", Character),
            ("postgres://u:p w@h/db", Character),
            ("postgres://u:p%zw@h/db", Percent),
            ("postgres://u:p@h/db%", Percent),
            ("postgres://u:p@h/db%00", Percent),
            ("postgres://u:hunter2/db", Port),
            ("postgres://h:0/db", Port),
            ("postgres://a:1,b:65536/db", Port),
            ("postgres://[::1/db", Brackets),
            ("postgres://[::1]5432/db", Brackets),
            ("postgres://h/db?password=a&b", Parameter(2)),
            ("postgres://h/db?password=a&b=c", Parameter(2)),
            ("postgres://h/db?password=a=b", Parameter(1)),
            ("postgres://h/db?replication=true", Parameter(1)),
        ] {
            assert_eq!(DatabaseUrl::parse(bad).err(), Some(why), "{bad:?}");
        }
    }

    #[test]
    fn every_form_that_libpq_knows_passes_unharmed() {
        for url in [
            "postgres://u:p%2Fw@h1:1,h2:,[::1]:3/db",
            "postgres://",
            "postgres://localhost",
            "postgres:///db?host=/run/postgresql",
            "postgres://%2Frun%2Fpostgresql/db",
            "postgres://h/db?password=a@b&options=-c%20geqo%3Doff&target_session_attrs=any",
        ] {
            let mark = if url.contains('?') { '&' } else { '?' };
            let completed = given_to_libpq(url);
            let rest = completed.strip_prefix(&format!("{url}{mark}…"));
            assert!(rest.is_some(), "{completed}");
        }
    }

    #[test]
    fn what_is_given_counts() {
        assert_eq!(
            given_to_libpq("postgres://a:b@h/db?connect_timeout=9&application_name=x"),
            "postgres://a:b@h/db?connect_timeout=9&application_name=x&tcp_user_timeout=5000\
             &keepalives_idle=2&keepalives_interval=1&keepalives_count=3"
        );
    }

    #[test]
    fn of_several_servers_the_primary_is_wanted() {
        for (url, completed) in [
            (
                "postgres://a,b/db",
                "postgres://a,b/db?…&target_session_attrs=read-write",
            ),
            (
                "postgres:///db?host=a%2cb",
                "postgres:///db?host=a%2cb&…&target_session_attrs=read-write",
            ),
            (
                "postgres://a,b/db?target_session_attrs=primary",
                "postgres://a,b/db?target_session_attrs=primary&…",
            ),
            ("postgres://a/db", "postgres://a/db?…"),
        ] {
            assert_eq!(given_to_libpq(url), completed);
        }
    }

    #[test]
    fn the_systems_certificates_are_found_where_they_are() {
        for (url, completed) in [
            (
                "postgres://h/db?sslrootcert=system",
                "postgres://h/db?sslmode=verify-full&sslrootcert=/roots.pem&…",
            ),
            (
                "postgres://h/db?sslmode=verify-full&sslrootcert=system",
                "postgres://h/db?sslmode=verify-full&sslrootcert=/roots.pem&…",
            ),
            (
                "postgres://h/db?sslmode=require&sslrootcert=system",
                "postgres://h/db?sslmode=require&sslrootcert=system&…",
            ),
            (
                "postgres://h/db?sslmode=verify-full&sslrootcert=/ca.pem",
                "postgres://h/db?sslmode=verify-full&sslrootcert=/ca.pem&…",
            ),
        ] {
            assert_eq!(given_to_libpq(url), completed);
        }
    }
}
