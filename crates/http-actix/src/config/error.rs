//! What is wrong with a configuration: one line that names the place and says what is allowed.

use std::fmt;

/// A mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct ConfigError {
    place: String,
    problem: String,
}

impl ConfigError {
    /// A mistake at a flag, variable, file or key.
    pub fn at(place: impl fmt::Display, problem: impl fmt::Display) -> Self {
        Self {
            place: one_line(&place.to_string()),
            problem: one_line(&problem.to_string()),
        }
    }
}

/// Whatever a value or an operating system says, it stays on its line and moves no cursor.
pub fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
