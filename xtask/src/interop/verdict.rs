//! What a library said: one line of a program's output.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The algorithms in the order of the page.
pub const ALGORITHMS: [&str; 4] = ["ES256", "EdDSA", "RS256", "HS256"];
/// The token that is to be accepted.
pub const GOOD: &str = "good";
/// What is to be refused: the column, and its tokens.
pub const BAD: [(&str, &[&str]); 3] = [
    ("expired", &["expired"]),
    ("altered", &["altered payload", "altered signature"]),
    ("wrong audience", &["wrong audience"]),
];
/// What an OAuth client does.
pub const USES: [&str; 8] = [
    "discovery",
    "refresh",
    "refresh, public",
    "client credentials",
    "secret in the form",
    "introspection",
    "introspection, signed",
    "revocation",
];

/// What was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trial {
    /// To verify a token.
    Token {
        /// Of the server.
        algorithm: String,
        /// Its name.
        token: String,
    },
    /// To use an endpoint.
    Use(String),
}

#[derive(Debug)]
pub struct Verdict {
    pub library: String,
    pub version: String,
    pub trial: Trial,
    /// Whether the token was accepted, or the endpoint could be used.
    pub ok: bool,
    /// Why not.
    pub reason: String,
}

impl Verdict {
    pub fn parse(line: &str) -> Result<Self> {
        let line: Value = serde_json::from_str(line).with_context(|| line.to_owned())?;
        let member = |name: &str| line.get(name).and_then(Value::as_str).map(str::to_owned);
        let trial = match (member("use"), member("algorithm"), member("token")) {
            (Some(name), None, None) => Trial::Use(name),
            (None, Some(algorithm), Some(token)) => Trial::Token { algorithm, token },
            _ => bail!("neither a token nor a use: {line}"),
        };
        Ok(Self {
            library: member("library").with_context(|| format!("no library: {line}"))?,
            version: member("version").with_context(|| format!("no version: {line}"))?,
            trial,
            ok: line
                .get("ok")
                .and_then(Value::as_bool)
                .with_context(|| format!("no verdict: {line}"))?,
            reason: member("reason").unwrap_or_default(),
        })
    }

    /// Whether it is of that library and of this token.
    pub fn is_of(&self, library: &str, of_algorithm: &str, name: &str) -> bool {
        let Trial::Token { algorithm, token } = &self.trial else {
            return false;
        };
        self.library == library && algorithm == of_algorithm && token == name
    }

    /// Whether it is of that library and of this use.
    pub fn is_use_of(&self, library: &str, name: &str) -> bool {
        self.library == library && self.trial == Trial::Use(name.to_owned())
    }
}
