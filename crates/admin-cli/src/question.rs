//! Questions at the terminal. Where there is none, the flag that answers instead is named.

use std::io::{self, IsTerminal, Write};

use dialoguer::Password;
use token_core::secret::SecretString;

use crate::failure::Failure;

/// Asks for a new password, twice.
pub fn password() -> Result<SecretString, Failure> {
    if !at_terminal() {
        return Err(Failure::Usage(
            "no password: give --password-stdin, --password-file FILE or --generate",
        ));
    }
    Password::new()
        .with_prompt("New password")
        .with_confirmation("The same again", "These were different, once more")
        .interact()
        .map(SecretString::new)
        .map_err(|_| Failure::Declined)
}

/// Whether `--yes` was given or can be asked for; refuses before anything is looked up.
#[derive(Debug, Clone, Copy)]
pub struct Consent {
    given: bool,
}

impl Consent {
    /// From the flag; without it there must be a terminal.
    pub fn from_flag(yes: bool) -> Result<Self, Failure> {
        if yes || at_terminal() {
            Ok(Self { given: yes })
        } else {
            Err(Failure::Usage(
                "this needs --yes where no terminal is there to ask",
            ))
        }
    }

    /// Asks, unless the answer was given beforehand.
    pub fn ask(self, question: &str) -> Result<(), Failure> {
        if self.given {
            return Ok(());
        }
        // A plain line: a prompt that hides the cursor leaves it hidden when Ctrl-C comes.
        let mut err = io::stderr();
        let mut answer = String::new();
        write!(err, "{question} [y/N] ")
            .and_then(|()| err.flush())
            .and_then(|()| io::stdin().read_line(&mut answer))
            .map_err(|_| Failure::Declined)?;
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::Declined),
        }
    }
}

/// Questions are printed to standard error, so that standard output can go elsewhere.
fn at_terminal() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}
