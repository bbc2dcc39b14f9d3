//! The command line as typed. Flags are derived from the table of settings; nothing is checked
//! here but the grammar.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgMatches, Command};

use super::error::ConfigError;
use super::raw::Flags;
use super::settings::{self, DefaultValue, Setting};

/// What `renewd` is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// Serve.
    Serve,
    /// Check the configuration and print it.
    CheckConfig,
    /// Ask the running server whether it is ready.
    Healthcheck,
}

/// The command line.
#[derive(Debug)]
pub struct Args {
    /// What to do.
    pub task: Task,
    /// `--config`.
    pub config_file: Option<PathBuf>,
    /// The other flags.
    pub flags: Flags,
}

/// Why there is nothing to do.
#[derive(Debug)]
pub enum Stop {
    /// Help or version was asked for: print this.
    Answer(String),
    /// The command line makes no sense.
    Usage(ConfigError),
}

const CHECK_CONFIG: &str = "check-config";
const HEALTHCHECK: &str = "healthcheck";
const CONFIG: &str = "config";

impl Args {
    /// Reads a command line, the name of the program first.
    pub fn parse<I>(words: I) -> Result<Self, Stop>
    where
        I: IntoIterator,
        I::Item: Into<std::ffi::OsString> + Clone,
    {
        let matches = command()
            .try_get_matches_from(words)
            .map_err(|error| stop(&error))?;
        let (task, matches) = match matches.subcommand() {
            Some((CHECK_CONFIG, sub)) => (Task::CheckConfig, sub),
            Some((HEALTHCHECK, sub)) => (Task::Healthcheck, sub),
            Some(_) | None => (Task::Serve, &matches),
        };
        Ok(Self {
            task,
            config_file: matches.get_one::<PathBuf>(CONFIG).cloned(),
            flags: flags(matches),
        })
    }
}

/// The grammar. Every flag is global, so that it may stand on either side of a subcommand.
fn command() -> Command {
    let config = Arg::new(CONFIG)
        .long(CONFIG)
        .value_name("FILE")
        .value_parser(clap::value_parser!(PathBuf))
        .global(true)
        .help("Read this file [default: renewd.toml, if there is one]");
    Command::new("renewd")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Issues, renews and revokes access and refresh tokens. Without a command it serves.")
        .after_help(secrets_help())
        .max_term_width(100)
        .arg(config)
        .args(settings::ALL.into_iter().map(arg))
        .subcommand(
            Command::new(CHECK_CONFIG)
                .about("Checks the configuration and prints it, with secrets redacted"),
        )
        .subcommand(
            Command::new(HEALTHCHECK)
                .about("Exits with 0 if the server of this configuration is ready, else with 1"),
        )
}

fn arg(setting: &'static Setting) -> Arg {
    let (DefaultValue::Text(default) | DefaultValue::Derived(default)) = setting.default;
    let fallback = setting
        .fallback
        .map(|variable| format!(" or {variable}"))
        .unwrap_or_default();
    let help = format!(
        "{} [default: {default}] [variable: {}{fallback}] [file: {}]",
        setting.help, setting.variable, setting.key
    );
    Arg::new(setting.variable)
        .long(setting.flag)
        .value_name(setting.value)
        .allow_negative_numbers(true)
        .global(true)
        .help(help)
}

fn secrets_help() -> String {
    let mut text = String::from("Secrets have no flag, but a variable or a file:\n");
    for secret in settings::SECRETS {
        let _ = write!(
            text,
            "  {}, {}\n      {}\n",
            secret.variable, secret.file_variable, secret.help
        );
    }
    text.push_str(
        "\nFlags win over variables, variables over the file, the file over defaults.\n\
         Durations are written 90s, 15m, 1h, 10d, or as a number of seconds.\n\
         Claims of the user in access tokens are mapped in the file, in [tokens.access.claims].",
    );
    text
}

fn flags(matches: &ArgMatches) -> Flags {
    settings::ALL
        .into_iter()
        .filter_map(|setting| {
            let value = matches.get_one::<String>(setting.variable)?;
            Some((setting.variable, value.clone()))
        })
        .collect()
}

/// Help as it is; a mistake as one line.
fn stop(error: &clap::Error) -> Stop {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        return Stop::Answer(error.render().to_string());
    }
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => argument.split('=').next().unwrap_or_default(),
        _ => "",
    };
    if let Some(secret) = settings::SECRETS
        .into_iter()
        .find(|secret| argument.strip_prefix("--") == Some(&settings::flag_name(secret.variable)))
    {
        let problem = format!(
            "a secret has no flag: set {} or {}",
            secret.variable, secret.file_variable
        );
        return Stop::Usage(ConfigError::at(argument, problem));
    }
    let rendered = error.render().to_string();
    let first = rendered.lines().next().unwrap_or_default();
    let problem = first.strip_prefix("error: ").unwrap_or(first);
    let suggestion = match error.get(ContextKind::SuggestedArg) {
        Some(ContextValue::String(argument)) => format!("; did you mean {argument}?"),
        _ => "; see --help".to_owned(),
    };
    Stop::Usage(ConfigError::at(
        "command line",
        format!("{problem}{suggestion}"),
    ))
}
