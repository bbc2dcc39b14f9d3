//! The configuration: variables, one a line, then a line `---`, then a `renewd.toml`.
//!
//! What is accepted is printed as a `renewd.toml` that says the same when it is read again; a
//! mistake is told in one line; no secret is printed. Settings that name a file are left out: they
//! would read it.

#![no_main]

use std::ffi::OsString;
use std::path::Path;

use fuzz::request::MARK;
use http_actix::config::environment::Environment;
use http_actix::config::error::ConfigError;
use http_actix::config::raw::{Flags, Raw};
use http_actix::config::settings::SECRETS;
use http_actix::config::{Config, file};
use libfuzzer_sys::fuzz_target;

type Variables<'a> = Vec<(&'a str, &'a str)>;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if text.to_ascii_lowercase().contains("_file") {
        return;
    }
    let (variables, toml) = text.split_once("\n---\n").unwrap_or(("", &text));
    let variables: Variables<'_> = variables
        .lines()
        .filter_map(|l| l.split_once('='))
        .collect();
    let is_secret = |name: &str| SECRETS.iter().any(|secret| secret.variable == name);
    let (secrets, others): (Variables<'_>, Variables<'_>) = variables
        .iter()
        .copied()
        .partition(|(name, _)| is_secret(name));
    let is_hidden = !toml.contains(MARK)
        && others
            .iter()
            .all(|(name, value)| !name.contains(MARK) && !value.contains(MARK));
    let config = match load(&variables, toml) {
        Ok(config) => config,
        Err(error) => {
            let told = error.to_string();
            assert_eq!(told.lines().count(), 1, "{told:?}");
            assert!(!(is_hidden && told.contains(MARK)), "a secret was told");
            return;
        }
    };
    let report = config.report();
    assert!(
        !(is_hidden && report.contains(MARK)),
        "a secret was printed"
    );
    assert!(
        !(is_hidden && format!("{config:?}").contains(MARK)),
        "a secret is in the debug form"
    );
    // A password that was left out of an address is missed.
    if others
        .iter()
        .any(|(name, _)| name.ends_with("DATABASE_URL"))
        || toml.contains("url")
    {
        return;
    }
    let again = load(&secrets, &report).expect("what it printed itself");
    assert_eq!(
        plain(&again.report()),
        plain(&report),
        "it says something else"
    );
});

fn load(variables: &[(&str, &str)], toml: &str) -> Result<Config, ConfigError> {
    let pairs = variables
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let file = file::parse(Path::new("renewd.toml"), toml)?;
    Config::parse(Raw::layer(
        &Flags::new(),
        &Environment::from_pairs(pairs),
        file,
    )?)
}

/// Without the comments, which say where a value came from, and sorted: the names in a table have no
/// order.
fn plain(report: &str) -> Vec<&str> {
    let lines = report
        .lines()
        .map(|line| line.split("  # ").next().unwrap_or(line));
    let mut lines: Vec<&str> = lines.filter(|line| !line.starts_with('#')).collect();
    lines.sort_unstable();
    lines
}
