//! `renewd.toml`: read strictly, an unknown key is a mistake.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::environment::did_you_mean;
use super::error::ConfigError;
use super::settings::{ALL, CLAIMS, SECRETS};

/// The file that is read without being asked for, if it is there.
const DEFAULT_FILE: &str = "renewd.toml";

/// What a file says.
#[derive(Debug, Default)]
pub struct FileSettings {
    /// Where it was read.
    pub path: PathBuf,
    /// Texts by key.
    pub values: BTreeMap<String, String>,
    /// The table of claims: names and user members.
    pub claims: Option<Vec<(String, String)>>,
}

/// Reads the file that was asked for, or the default one if it exists.
pub fn read(asked_for: Option<&Path>) -> Result<FileSettings, ConfigError> {
    let path = asked_for.unwrap_or(Path::new(DEFAULT_FILE));
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(error) if error.kind() == ErrorKind::NotFound && asked_for.is_none() => {
            Ok(FileSettings::default())
        }
        Err(error) => Err(ConfigError::at(
            path.display(),
            format!("cannot be read: {error}"),
        )),
    }
}

/// Parses the text of a file.
pub fn parse(path: &Path, text: &str) -> Result<FileSettings, ConfigError> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().and_then(|span| text.get(..span.start));
        let line = line.map_or(1, |before| before.matches('\n').count() + 1);
        ConfigError::at(path.display(), format!("line {line}: {}", error.message()))
    })?;
    let mut settings = FileSettings {
        path: path.to_owned(),
        ..FileSettings::default()
    };
    settings.take_table("", table)?;
    Ok(settings)
}

impl FileSettings {
    /// How a key of this file is called in messages.
    pub fn place(&self, key: &str) -> String {
        format!("`{key}` in {}", self.path.display())
    }

    fn take_table(&mut self, prefix: &str, table: Table) -> Result<(), ConfigError> {
        for (name, value) in table {
            let key = if prefix.is_empty() {
                name
            } else {
                format!("{prefix}.{name}")
            };
            match value {
                Value::Table(table) if key == CLAIMS => self.claims = Some(self.claims(table)?),
                Value::Table(table) if is_section(&key) => self.take_table(&key, table)?,
                value => self.take_value(key, value)?,
            }
        }
        Ok(())
    }

    fn take_value(&mut self, key: String, value: Value) -> Result<(), ConfigError> {
        if is_section(&key) || key == CLAIMS {
            return Err(ConfigError::at(self.place(&key), "must be a table"));
        }
        if !keys().any(|known| known == key) {
            let names = keys().chain(sections());
            let problem = format!("there is no such key{}", did_you_mean(&key, names));
            return Err(ConfigError::at(self.place(&key), problem));
        }
        let text = match value {
            Value::String(text) => Some(text),
            Value::Integer(number) => Some(number.to_string()),
            Value::Boolean(truth) => Some(truth.to_string()),
            Value::Array(list) => strings(list).map(|list| list.join(",")),
            Value::Float(_) | Value::Datetime(_) | Value::Table(_) => None,
        };
        let text = text.ok_or_else(|| {
            ConfigError::at(self.place(&key), "must be a text, a number, true or false")
        })?;
        self.values.insert(key, text);
        Ok(())
    }

    fn claims(&self, table: Table) -> Result<Vec<(String, String)>, ConfigError> {
        table
            .into_iter()
            .map(|(claim, member)| match member {
                Value::String(member) => Ok((claim, member)),
                _ => Err(ConfigError::at(
                    self.place(CLAIMS),
                    format!("the claim {claim:?} must name a member of the user, as a text"),
                )),
            })
            .collect()
    }
}

fn strings(list: Vec<Value>) -> Option<Vec<String>> {
    list.into_iter()
        .map(|value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
        .collect()
}

fn keys() -> impl Iterator<Item = &'static str> {
    let settings = ALL.into_iter().map(|setting| setting.key);
    settings
        .chain(SECRETS.into_iter().filter_map(|secret| secret.file_key))
        .chain([CLAIMS])
}

/// The tables that keys are in, some more than once.
fn sections() -> impl Iterator<Item = &'static str> {
    keys().flat_map(|key| {
        let dots = key.match_indices('.');
        dots.filter_map(move |(at, _)| key.get(..at))
    })
}

fn is_section(key: &str) -> bool {
    sections().any(|section| section == key)
}
