//! What libpq knows after the question mark of a URL.

/// A parameter of a connection.
#[derive(Debug)]
pub(super) struct Parameter {
    /// Its name.
    pub(super) name: &'static str,
    /// Whether its value may be printed.
    pub(super) is_public: bool,
}

/// All of libpq 18, but those that would make something else of the connection: `replication`,
/// and `service`, which names a file that says anything. Checked here because libpq's own messages
/// repeat what they do not understand, and that may be a piece of a password.
const ALL: [Parameter; 44] = [
    public("application_name"),
    public("channel_binding"),
    public("client_encoding"),
    public("connect_timeout"),
    public("dbname"),
    public("fallback_application_name"),
    public("gssdelegation"),
    public("gssencmode"),
    public("gsslib"),
    public("host"),
    public("hostaddr"),
    public("keepalives"),
    public("keepalives_count"),
    public("keepalives_idle"),
    public("keepalives_interval"),
    public("krbsrvname"),
    public("load_balance_hosts"),
    public("max_protocol_version"),
    public("min_protocol_version"),
    public("options"),
    public("passfile"),
    secret("password"),
    public("port"),
    public("require_auth"),
    public("requirepeer"),
    secret("scram_client_key"),
    secret("scram_server_key"),
    // JDBC's, which libpq understands.
    public("ssl"),
    public("ssl_max_protocol_version"),
    public("ssl_min_protocol_version"),
    public("sslcert"),
    public("sslcertmode"),
    public("sslcompression"),
    public("sslcrl"),
    public("sslcrldir"),
    public("sslkey"),
    public("sslmode"),
    public("sslnegotiation"),
    secret("sslpassword"),
    public("sslrootcert"),
    public("sslsni"),
    public("target_session_attrs"),
    public("tcp_user_timeout"),
    public("user"),
];

const fn public(name: &'static str) -> Parameter {
    Parameter {
        name,
        is_public: true,
    }
}

const fn secret(name: &'static str) -> Parameter {
    Parameter {
        name,
        is_public: false,
    }
}

/// The parameter of that name.
pub(super) fn find(name: &str) -> Option<&'static Parameter> {
    ALL.iter().find(|parameter| parameter.name == name)
}
