//! The environment, read once.

use std::collections::BTreeMap;
use std::ffi::OsString;

use super::error::ConfigError;
use super::settings::{ALL, SECRETS};

/// What every variable of renewd's own begins with.
const PREFIX: &str = "RENEWD_";

/// The variables that mean something here.
#[derive(Debug, Default)]
pub struct Environment(BTreeMap<String, OsString>);

impl Environment {
    /// The environment of this process.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where the environment is read"
    )]
    pub fn of_this_process() -> Self {
        Self::from_pairs(std::env::vars_os())
    }

    /// Of all the variables keeps those that are known, or that claim to be renewd's.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let ours = |name: &String| name.starts_with(PREFIX) || known().any(|known| known == name);
        Self(
            pairs
                .into_iter()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
                .filter(|(name, _)| ours(name))
                .collect(),
        )
    }

    /// The text of a variable, if it is set.
    pub fn get(&self, name: &str) -> Result<Option<&str>, ConfigError> {
        self.0
            .get(name)
            .map(|value| value.to_str().ok_or_else(|| not_text(name)))
            .transpose()
    }

    /// Refuses a variable of renewd's prefix that does not exist: it would be a setting that
    /// somebody believes in and that does nothing.
    pub fn refuse_unknown(&self) -> Result<(), ConfigError> {
        let unknown = self
            .0
            .keys()
            .find(|name| known().all(|known| known != *name));
        match unknown {
            None => Ok(()),
            Some(name) => Err(ConfigError::at(
                name,
                format!("there is no such variable{}", did_you_mean(name, known())),
            )),
        }
    }
}

/// The end of a sentence about a name that does not exist. A prefix too many or too few is the
/// likeliest slip.
pub fn did_you_mean<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let bare = |name: &'a str| name.strip_prefix(PREFIX).unwrap_or(name);
    let wanted = name.strip_prefix(PREFIX).unwrap_or(name);
    known
        .map(|known| (strsim::damerau_levenshtein(wanted, bare(known)), known))
        .min()
        .filter(|(distance, _)| *distance <= 1 + name.len() / 6)
        .map_or_else(
            || "; --help lists what there is".to_owned(),
            |(_, known)| format!("; did you mean {known}?"),
        )
}

fn known() -> impl Iterator<Item = &'static str> {
    let settings = ALL
        .into_iter()
        .flat_map(|setting| std::iter::once(setting.variable).chain(setting.fallback));
    let secrets = SECRETS
        .into_iter()
        .flat_map(|secret| [secret.variable, secret.file_variable]);
    settings.chain(secrets)
}

fn not_text(name: &str) -> ConfigError {
    ConfigError::at(name, "the value is not UTF-8 text")
}
