//! Every setting there is: its variable, its key in `renewd.toml`, its default and its meaning.

mod database;
mod table;

pub use database::*;
pub use table::*;

/// A setting whose value is a short text.
#[derive(Debug)]
pub struct Setting {
    /// Its environment variable.
    pub variable: &'static str,
    /// Its flag without the dashes: the variable without its prefix, in lower case.
    pub flag: &'static str,
    /// A variable that platforms set, used where the own one is not.
    pub fallback: Option<&'static str>,
    /// Its place in `renewd.toml`.
    pub key: &'static str,
    /// What it is without being set.
    pub default: DefaultValue,
    /// What the value looks like, for the help.
    pub value: &'static str,
    /// What it means, for the help.
    pub help: &'static str,
}

/// What a setting is without being set.
#[derive(Debug, Clone, Copy)]
pub enum DefaultValue {
    /// This text.
    Text(&'static str),
    /// Nothing, or something that depends on other settings; described for the help.
    Derived(&'static str),
}

/// A setting that nobody may see: it has no flag, because every process can read the command lines
/// of the others, but a variable that names a file to read it from.
#[derive(Debug)]
pub struct Secret {
    /// Its environment variable.
    pub variable: &'static str,
    /// The variable that names a file with it.
    pub file_variable: &'static str,
    /// The key in `renewd.toml` that names such a file.
    pub file_key: Option<&'static str>,
    /// What it means, for the help.
    pub help: &'static str,
}

/// The flag that belongs to a variable.
pub fn flag_name(variable: &str) -> String {
    variable
        .strip_prefix("RENEWD_")
        .unwrap_or(variable)
        .to_ascii_lowercase()
        .replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule() {
        for setting in ALL {
            assert_eq!(setting.flag, flag_name(setting.variable));
            assert!(setting.key.contains('.'), "{}", setting.key);
        }
        for secret in SECRETS {
            assert_eq!(secret.file_variable, format!("{}_FILE", secret.variable));
        }
    }
}
