//! What the program does: one command a file, each from its arguments to an answer.

mod client;
mod db;
mod key;
mod session;
mod token;
mod user;

use std::process::ExitCode;

use crate::args::{Cli, Noun};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Printer;
use crate::settings::{self, Settings};

/// Does what the command line says and prints the answer, which may be a no.
pub fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let settings = Settings::read(&cli, settings::variable)?;
    let printer = Printer::new(cli.output, cli.quiet);
    let context = Context::new(settings, printer, cli.yes);
    let answer = match cli.noun {
        Noun::User(verb) => user::run(&verb, &context)?,
        Noun::Session(verb) => session::run(&verb, &context)?,
        Noun::Key(verb) => key::run(&verb, &context)?,
        Noun::Client(verb) => client::run(&verb, &context)?,
        Noun::Token(verb) => token::run(&verb, &context)?,
        Noun::Db(verb) => db::run(&verb, &context)?,
    };
    printer.print(&answer)?;
    Ok(if answer.is_no() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
