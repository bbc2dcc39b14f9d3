//! What libpq and the server say when they refuse a connection, as one line that also says what to
//! do. There is no code to go by, only the message; where the server speaks another language than
//! English, its own words have to do.

/// What a message contains, and what helps then. The first that fits counts.
const ADVICE: [(&[&str], &str); 16] = [
    (
        &["could not translate host name"],
        "check the name of the host",
    ),
    (
        &["no pg_hba.conf entry", "no encryption"],
        "the server may want TLS: use sslmode=require or verify-full, or admit this client in pg_hba.conf",
    ),
    (
        &["no pg_hba.conf entry"],
        "admit this client in the server's pg_hba.conf",
    ),
    (
        &["authentication failed"],
        "check user name and password, which are percent-encoded in a URL",
    ),
    (&["no password supplied"], "put the password into the URL"),
    (
        &["database \"", "does not exist"],
        "create it, or check its name",
    ),
    (
        &["role \"", "does not exist"],
        "create it, or check the user name",
    ),
    (
        &["permission denied for database"],
        "GRANT CONNECT on it to this user",
    ),
    (&["remaining connection slots"], TOO_MANY),
    (&["too many c"], TOO_MANY),
    (
        &["does not match host name"],
        "connect by a name that is in the server's certificate",
    ),
    (
        &["certificate verify failed"],
        "sslrootcert=PATH must name the certificate of the authority that signed the server's",
    ),
    (&["root certificate file"], ""),
    (
        &["server does not support SSL"],
        "switch TLS on at the server, or use another sslmode",
    ),
    (
        &["session is read-only"],
        "none of the servers can be written to: name the primary, or promote a standby",
    ),
    (
        &["timeout expired"],
        "nothing answers there as a PostgreSQL server does: check host, port and firewall",
    ),
];

const TOO_MANY: &str = "raise max_connections, or give every node fewer with \
                        RENEWD_DATABASE_CONNECTIONS";

/// What libpq adds to a refused connection, said here in another way.
const QUESTION: &str = "Is the server running";

/// The message on one line, with advice.
pub(super) fn explain(message: &str) -> String {
    let mut lines: Vec<String> = message
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty() && !line.starts_with(QUESTION))
        .collect();
    // Of a host with several addresses each is told.
    lines.dedup();
    let mut told = lines.join("; ");
    if told.is_empty() {
        "the connection was refused without a reason".clone_into(&mut told);
    }
    match advice(message) {
        Some("") | None => told,
        Some(advice) => format!("{told}: {advice}"),
    }
}

fn advice(message: &str) -> Option<&'static str> {
    let fits = |words: &[&str]| words.iter().all(|word| message.contains(word));
    let refused = || {
        let gone = ["Connection refused", "No such file or directory"];
        let gone = gone.iter().any(|word| message.contains(word));
        gone.then_some("start the server, or check host and port")
    };
    let found = ADVICE.iter().find(|(words, _)| fits(words));
    found.map(|(_, advice)| *advice).or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_says_what_to_do() {
        for (message, told) in [
            (
                "connection to server at \"a\", port 9 failed: Connection refused\n\tIs the \
                 server running on that host and accepting TCP/IP connections?\n",
                "connection to server at \"a\", port 9 failed: Connection refused: start the \
                 server, or check host and port",
            ),
            (
                "a: timeout expired\nb: FATAL:  sorry, too many clients already\n",
                "a: timeout expired; b: FATAL: sorry, too many clients already: raise \
                 max_connections, or give every node fewer with RENEWD_DATABASE_CONNECTIONS",
            ),
            (
                "FATAL:  database \"x\" does not exist",
                "FATAL: database \"x\" does not exist: create it, or check its name",
            ),
            (
                "FATAL:  Datenbank »x« existiert nicht",
                "FATAL: Datenbank »x« existiert nicht",
            ),
            ("", "the connection was refused without a reason"),
        ] {
            assert_eq!(explain(message), told);
        }
    }
}
