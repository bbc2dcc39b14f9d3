//! Logs: to standard error, for people on a terminal and as JSON elsewhere.

use std::io::{self, IsTerminal};
use std::panic;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt;

use crate::config::log::{LogConfig, LogFormat};

/// Installs the log of this process, and has panics go there too. To be called once.
pub fn install(config: &LogConfig) -> Result<(), ParseError> {
    let filter = EnvFilter::builder().parse(&config.filter)?;
    let terminal = io::stderr().is_terminal();
    let default = if terminal {
        LogFormat::Text
    } else {
        LogFormat::Json
    };
    let log = fmt().with_env_filter(filter).with_writer(io::stderr);
    match config.format.unwrap_or(default) {
        LogFormat::Text => log.with_ansi(terminal).init(),
        LogFormat::Json => log.json().flatten_event(true).with_span_list(false).init(),
    }
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// A panic is a line of the log like any other, so that whoever reads logs by program sees it.
fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string);
    let message = panic.payload_as_str().unwrap_or("no message");
    let thread = std::thread::current();
    tracing::error!(
        target: "panic",
        location,
        thread = thread.name(),
        "panicked: {message}"
    );
}
