//! `renewd`: issues, renews and revokes access and refresh tokens.

use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use http_actix::config::Config;
use http_actix::config::args::{Args, Stop, Task};
use http_actix::config::environment::Environment;
use http_actix::config::error::{ConfigError, one_line};
use http_actix::server::{self, ServeError, healthcheck};
use http_actix::telemetry;
use mimalloc::MiMalloc;

/// A request makes some dozens of small allocations: docs/performance.md has what this saves.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Why the program ends without having done what it was asked for.
enum Failure {
    /// It could not be done: exit status 1.
    Failed(String),
    /// What was asked for makes no sense: exit status 2.
    Usage(ConfigError),
}

fn main() -> ExitCode {
    let failure = match run() {
        Ok(()) => return ExitCode::SUCCESS,
        Err(failure) => failure,
    };
    let (message, status) = match failure {
        Failure::Failed(message) => (one_line(&message), 1),
        Failure::Usage(error) => (error.to_string(), 2),
    };
    // With standard error closed there is still the status.
    let _ = writeln!(io::stderr(), "renewd: {message}");
    ExitCode::from(status)
}

fn run() -> Result<(), Failure> {
    let args = match Args::parse(std::env::args_os()) {
        Ok(args) => args,
        Err(Stop::Answer(text)) => return print(&text),
        Err(Stop::Usage(error)) => return Err(Failure::Usage(error)),
    };
    let environment = Environment::of_this_process();
    let config = Config::load(args.config_file.as_deref(), &args.flags, &environment)
        .map_err(Failure::Usage)?;
    match args.task {
        Task::Serve => {
            telemetry::install(&config.log).map_err(failed)?;
            server::run(config).map_err(|error| match error {
                ServeError::Config(error) => Failure::Usage(error),
                error => failed(error),
            })
        }
        Task::CheckConfig => {
            for warning in &config.warnings {
                let _ = writeln!(io::stderr(), "warning: {warning}");
            }
            print(&config.report())
        }
        Task::Healthcheck => healthcheck::run(&config).map_err(failed),
    }
}

fn print(text: &str) -> Result<(), Failure> {
    io::stdout().write_all(text.as_bytes()).map_err(failed)
}

fn failed(error: impl fmt::Display) -> Failure {
    Failure::Failed(error.to_string())
}
