//! Where a setting is looked up: the environment, then `renewd.toml`. The file is the server's;
//! of its keys only those that matter here are read, and the server judges the rest.

use std::error::Error;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::failure::Failure;

/// The file that is read without being asked for, if it is there.
const DEFAULT_FILE: &str = "renewd.toml";

/// What is set where.
pub struct Sources<F> {
    variable: F,
    file: Option<(PathBuf, Table)>,
}

/// The same setting in the environment and in the file.
#[derive(Debug, Clone, Copy)]
pub struct Name {
    /// Its variables, the first that is set counts.
    pub variables: &'static [&'static str],
    /// Its key in the file, with dots.
    pub key: &'static str,
}

/// A text that is set, and where.
pub struct Found {
    text: String,
    place: String,
}

impl<F: Fn(&str) -> Option<OsString>> Sources<F> {
    /// `variable` looks into the environment; `file` was asked for, or the usual one is read if
    /// it exists.
    pub fn new(variable: F, file: Option<&Path>) -> Result<Self, Failure> {
        let path = file.unwrap_or(Path::new(DEFAULT_FILE));
        let file = match fs::read_to_string(path) {
            Ok(text) => Some((path.to_owned(), parse(path, &text)?)),
            Err(error) if error.kind() == ErrorKind::NotFound && file.is_none() => None,
            Err(error) => return Err(setting(path.display(), error)),
        };
        Ok(Self { variable, file })
    }

    /// The text of a setting.
    pub fn find(&self, name: Name) -> Result<Option<Found>, Failure> {
        match self.variable(name.variables)? {
            Some(found) => Ok(Some(found)),
            None => self.key(name.key),
        }
    }

    /// The text of the first of these variables that is set.
    pub fn variable(&self, names: &[&str]) -> Result<Option<Found>, Failure> {
        let set = names
            .iter()
            .find_map(|name| Some((name, (self.variable)(name)?)));
        let Some((name, value)) = set else {
            return Ok(None);
        };
        match value.into_string() {
            Ok(text) => Ok(Some(Found::at(name, text))),
            Err(_) => Err(setting(name, NotText)),
        }
    }

    /// The text of a key in the file.
    pub fn key(&self, key: &str) -> Result<Option<Found>, Failure> {
        let Some((path, table)) = &self.file else {
            return Ok(None);
        };
        let place = format!("`{key}` in {}", path.display());
        let (section, member) = key.rsplit_once('.').unwrap_or_default();
        let section = section
            .split('.')
            .try_fold(table, |table, name| table.get(name)?.as_table());
        match section.and_then(|table| table.get(member)) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(Found::at(place, text.clone()))),
            Some(Value::Integer(number)) => Ok(Some(Found::at(place, number.to_string()))),
            Some(_) => Err(setting(place, NotAValue)),
        }
    }
}

impl Found {
    /// A text from a place that messages can name.
    pub fn at(place: impl fmt::Display, text: String) -> Self {
        Self {
            text,
            place: place.to_string(),
        }
    }

    /// The text as it is.
    pub fn into_text(self) -> String {
        self.text
    }

    /// What the text means.
    pub fn parse<T, E: Error + Send + Sync + 'static>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Failure> {
        parse(&self.text).map_err(|source| setting(&self.place, source))
    }
}

/// Something is wrong with what is set at a place.
pub fn setting<E: Error + Send + Sync + 'static>(place: impl fmt::Display, source: E) -> Failure {
    Failure::Setting {
        place: place.to_string(),
        source: source.into(),
    }
}

fn parse(path: &Path, text: &str) -> Result<Table, Failure> {
    text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = 1 + before.map_or(0, |before| before.matches('\n').count());
        let message = error.message().to_owned();
        setting(path.display(), NotToml { line, message })
    })
}

#[derive(Debug, thiserror::Error)]
#[error("is not UTF-8 text")]
struct NotText;

#[derive(Debug, thiserror::Error)]
#[error("must be a text or a number")]
struct NotAValue;

#[derive(Debug, thiserror::Error)]
#[error("line {line}: {message}")]
struct NotToml {
    line: usize,
    message: String,
}
