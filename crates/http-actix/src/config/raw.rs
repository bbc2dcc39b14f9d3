//! The sources laid over each other: texts, and where each came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use super::error::ConfigError;
use super::file::FileSettings;
use super::settings::{ALL, CLAIMS, DefaultValue, Secret, Setting};

/// Texts given by flags, by the variable of their setting.
pub type Flags = BTreeMap<&'static str, String>;

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag(&'static str),
    /// The environment.
    Variable(&'static str),
    /// `renewd.toml`, as a phrase.
    File(String),
    /// Nobody set it.
    Default,
}

/// A text and where it came from.
pub struct Value {
    /// The text.
    pub text: String,
    /// Its source.
    pub origin: Origin,
}

/// All settings as texts.
pub struct Raw {
    values: BTreeMap<&'static str, Value>,
    secrets: BTreeMap<&'static str, SecretSource>,
    /// The mapping of claims, if there is one, and where it stands.
    pub claims: Option<(Vec<(String, String)>, String)>,
}

/// How a secret was given.
#[derive(Clone)]
pub enum SecretSource {
    /// In a variable.
    Text(token_core::secret::SecretString),
    /// In a file, which this place names.
    File(PathBuf, Origin),
}

impl Raw {
    /// Flags over environment over file over defaults.
    pub fn layer(
        flags: &Flags,
        environment: &Environment,
        file: FileSettings,
    ) -> Result<Self, ConfigError> {
        environment.refuse_unknown()?;
        let mut values = BTreeMap::new();
        for setting in ALL {
            if let Some(value) = find(setting, flags, environment, &file)? {
                values.insert(setting.variable, value);
            }
        }
        let mut secrets = BTreeMap::new();
        for secret in super::settings::SECRETS {
            if let Some(source) = find_secret(secret, environment, &file)? {
                secrets.insert(secret.variable, source);
            }
        }
        let place = file.place(CLAIMS);
        Ok(Self {
            values,
            secrets,
            claims: file.claims.map(|claims| (claims, place)),
        })
    }

    /// A setting's text, if it is set or has a default.
    pub fn get(&self, setting: &Setting) -> Option<&Value> {
        self.values.get(setting.variable)
    }

    /// How a secret was given, if it was.
    pub fn secret(&self, secret: &Secret) -> Option<&SecretSource> {
        self.secrets.get(secret.variable)
    }

    /// Parses a setting that may be absent.
    pub fn parse_optional<T, E: fmt::Display>(
        &self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, ConfigError> {
        self.get(setting)
            .map(|value| {
                parse(&value.text).map_err(|problem| {
                    let problem = format!("{:?}: {problem}", value.text);
                    ConfigError::at(value.origin.place(setting), problem)
                })
            })
            .transpose()
    }

    /// Parses a setting that has a default.
    pub fn parse<T, E: fmt::Display>(
        &self,
        setting: &Setting,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, ConfigError> {
        self.parse_optional(setting, parse)?
            .ok_or_else(|| ConfigError::at(setting.variable, "must be set"))
    }

    /// Parses a setting that is one of a few words.
    pub fn choose<T: Copy>(
        &self,
        setting: &Setting,
        choices: &[(&str, T)],
    ) -> Result<T, ConfigError> {
        self.parse(setting, |text| {
            let found = choices.iter().find(|(word, _)| *word == text);
            found.map(|(_, choice)| *choice).ok_or_else(|| {
                let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
                format!("must be {}", words.join(" or "))
            })
        })
    }

    /// Parses a setting that is a number in a range.
    pub fn number(
        &self,
        setting: &Setting,
        range: std::ops::RangeInclusive<u32>,
    ) -> Result<u32, ConfigError> {
        self.parse(setting, |text| {
            let number = text.parse().ok().filter(|number| range.contains(number));
            let (least, most) = range.clone().into_inner();
            number.ok_or_else(|| format!("must be a number from {least} to {most}"))
        })
    }

    /// A mistake in a setting that only shows in the company of others.
    pub fn mistake(&self, setting: &Setting, problem: impl fmt::Display) -> ConfigError {
        let origin = self.get(setting).map_or(&Origin::Default, |v| &v.origin);
        ConfigError::at(origin.place(setting), problem)
    }

    /// What counts in the end is another text than what was given.
    pub fn replace(&mut self, setting: &Setting, text: String) {
        if let Some(value) = self.values.get_mut(setting.variable) {
            value.text = text;
        }
    }
}

impl Origin {
    /// What a message about a value from here begins with.
    pub fn place(&self, setting: &Setting) -> String {
        match self {
            Self::Default => setting.variable.to_owned(),
            Self::Flag(_) | Self::Variable(_) | Self::File(_) => self.to_string(),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(f, "--{flag}"),
            Self::Variable(name) => f.write_str(name),
            Self::File(place) => f.write_str(place),
            Self::Default => f.write_str("default"),
        }
    }
}

/// Without the values: the URL of a database may hold a password.
impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origins = self
            .values
            .iter()
            .map(|(name, value)| (name, &value.origin));
        f.debug_map().entries(origins).finish()
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("[redacted]"),
            Self::File(path, _) => write!(f, "{}", path.display()),
        }
    }
}

fn find(
    setting: &'static Setting,
    flags: &Flags,
    environment: &Environment,
    file: &FileSettings,
) -> Result<Option<Value>, ConfigError> {
    let given = |text: &str, origin| {
        Some(Value {
            text: text.to_owned(),
            origin,
        })
    };
    if let Some(text) = flags.get(setting.variable) {
        return Ok(given(text, Origin::Flag(setting.flag)));
    }
    for variable in std::iter::once(setting.variable).chain(setting.fallback) {
        if let Some(text) = environment.get(variable)? {
            return Ok(given(text, Origin::Variable(variable)));
        }
    }
    if let Some(text) = file.values.get(setting.key) {
        return Ok(given(text, Origin::File(file.place(setting.key))));
    }
    Ok(match setting.default {
        DefaultValue::Text(text) => given(text, Origin::Default),
        DefaultValue::Derived(_) => None,
    })
}

/// A secret in two places of the environment would be one that somebody forgot to take away.
fn find_secret(
    secret: &'static Secret,
    environment: &Environment,
    file: &FileSettings,
) -> Result<Option<SecretSource>, ConfigError> {
    let text = environment.get(secret.variable)?;
    let named = environment.get(secret.file_variable)?;
    let in_file = secret.file_key.and_then(|key| {
        let path = file.values.get(key)?;
        Some((path, Origin::File(file.place(key))))
    });
    match (text, named) {
        (Some(_), Some(_)) => Err(ConfigError::at(
            secret.variable,
            format!("{} is set too: set one of them", secret.file_variable),
        )),
        (Some(text), None) => Ok(Some(SecretSource::Text(text.to_owned().into()))),
        (None, Some(path)) => Ok(Some(SecretSource::File(
            Path::new(path).to_owned(),
            Origin::Variable(secret.file_variable),
        ))),
        (None, None) => Ok(
            in_file.map(|(path, origin)| SecretSource::File(Path::new(path).to_owned(), origin))
        ),
    }
}
