//! What a person reads at the first start: where it listens, where the data is, what to try.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use token_core::policy::RegistrationPolicy;

use crate::config::Config;

const REGISTER: &str = r#"curl -s BASE/v1/register -H 'content-type: application/json' -d '{"username":"ada","email":"ada@example.com","full_name":"Ada Lovelace","password":"first program 1843"}'"#;
const CREATE_USER: &str = "echo 'first program 1843' | renewctl user create ada --email ada@example.com --full-name 'Ada Lovelace' --password-stdin";
const LOG_IN: &str = r#"TOKEN=$(curl -s BASE/v1/login -H 'content-type: application/json' -d '{"username":"ada","password":"first program 1843"}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')"#;
const WHO_AM_I: &str = r#"curl -s BASE/v1/me -H "authorization: Bearer $TOKEN""#;

/// Prints it to standard output, whatever the form of the logs. Nobody may be reading there any
/// more, which is no reason not to serve.
pub(super) fn print(config: &Config, address: SocketAddr) {
    let mut stdout = io::stdout().lock();
    let _ = stdout
        .write_all(text(config, address).as_bytes())
        .and_then(|()| stdout.flush());
}

fn text(config: &Config, address: SocketAddr) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!("renewd {version} listens on http://{address}\n");
    text.push_str(&whereabouts(config, address.port()));
    text.push_str(&commands(config, address));
    for warning in &config.warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    if config.tokens.issuer.is_none() {
        text.push_str(
            "For production set RENEWD_ISSUER to the https URL under which users reach this server.\n",
        );
    }
    text
}

fn whereabouts(config: &Config, port: u16) -> String {
    let database = match config.database.url.sqlite_path() {
        Some(path) => absolute(path),
        None => config.database.url.to_string(),
    };
    let key = match config.keys.master.file() {
        Some(path) => format!("in {}", absolute(path)),
        None => "from the environment".to_owned(),
    };
    format!(
        "  database    {database}\n  \
           master key  {key} (keep a copy: without it no password verifies)\n  \
           issuer      {}\n",
        config.tokens.issuer_at(port)
    )
}

/// Three commands that work when pasted one after the other.
fn commands(config: &Config, address: SocketAddr) -> String {
    let register = match config.accounts.registration {
        RegistrationPolicy::Open => REGISTER,
        RegistrationPolicy::Closed => CREATE_USER,
    };
    let base = format!("http://{}", reachable(address));
    format!("Try it:\n  {register}\n  {LOG_IN}\n  {WHO_AM_I}\n").replace("BASE", &base)
}

fn absolute(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.display().to_string()
}

/// An address to connect to: "all interfaces" is not one.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
