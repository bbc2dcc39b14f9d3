//! The effective configuration as a text that is itself a `renewd.toml`, with the source of every
//! value, and without secrets.

use std::fmt::Write as _;

use toml::Value as TomlValue;

use super::Config;
use super::raw::{Origin, SecretSource};
use super::settings::{
    ACCESS_ALG, ACCESS_SECRET, ALL, CLAIMS, DATABASE_URL, DefaultValue, SECRETS, Setting,
};

impl Config {
    /// What `check-config` prints.
    pub fn report(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for setting in ALL {
            let (table, name) = setting.key.rsplit_once('.').unwrap_or(("", setting.key));
            if table != section {
                let gap = if section.is_empty() { "" } else { "\n" };
                let _ = writeln!(text, "{gap}[{table}]");
                section = table;
            }
            text.push_str(&self.line(setting, name));
        }
        let _ = writeln!(text, "\n[{CLAIMS}]");
        for (claim, member) in self.tokens.claims.pairs() {
            let claim = TomlValue::from(claim);
            let _ = writeln!(text, "{claim} = \"{member}\"");
        }
        text.push_str("\n# Secrets\n");
        for secret in SECRETS {
            let given = match self.effective.secret(secret) {
                None => "not set".to_owned(),
                Some(SecretSource::Text(_)) => "[redacted]".to_owned(),
                Some(SecretSource::File(path, origin)) => {
                    format!("[redacted] from the file {} ({origin})", path.display())
                }
            };
            let _ = writeln!(text, "# {}: {given}", secret.variable);
        }
        text
    }

    /// A setting, or, as a comment, what stands in for it.
    fn line(&self, setting: &Setting, name: &str) -> String {
        if setting.variable == ACCESS_ALG.variable && self.tokens.access_secret.is_some() {
            // The default is for managed keys, and would be a mistake beside the secret.
            return format!("# {name}: HS256, since {} is set\n", ACCESS_SECRET.variable);
        }
        let Some(value) = self.effective.get(setting) else {
            let (DefaultValue::Text(told) | DefaultValue::Derived(told)) = setting.default;
            return format!("# {name}: {told}\n");
        };
        let shown = if setting.variable == DATABASE_URL.variable {
            // Its own form leaves passwords out.
            TomlValue::from(self.database.url.to_string())
        } else {
            toml_value(&value.text)
        };
        match &value.origin {
            Origin::Default => format!("{name} = {shown}\n"),
            origin => format!("{name} = {shown}  # {origin}\n"),
        }
    }
}

/// Numbers and truths as such, as people write them.
fn toml_value(text: &str) -> TomlValue {
    let number = text.parse::<i64>().ok().filter(|n| n.to_string() == text);
    let truth = || text.parse::<bool>().ok().map(TomlValue::from);
    number
        .map(TomlValue::from)
        .or_else(truth)
        .unwrap_or_else(|| TomlValue::from(text))
}
