//! What this program has to know of tokens to verify them: the server's settings, of which the
//! secrets are judged only by the command that needs them.

use std::ffi::OsString;
use std::fs;

use token_core::key::SigningSecret;
use token_core::secret::SecretString;
use token_core::time::Lifetime;

use super::sources::{Found, Name, Sources, setting};
use crate::failure::Failure;

const ISSUER: Name = Name {
    variables: &["RENEWD_ISSUER"],
    key: "tokens.issuer",
};
const AUDIENCE: Name = Name {
    variables: &["RENEWD_AUDIENCE"],
    key: "tokens.audience",
};

/// What tokens of this installation are.
#[derive(Debug)]
pub struct TokenSettings {
    /// Their issuer, if it is configured.
    pub issuer: Option<String>,
    /// Their audience, if it is configured and not the issuer.
    pub audience: Option<String>,
    /// How long access tokens live.
    pub access_lifetime: Lifetime,
    /// How long past their end they are accepted.
    pub leeway: Lifetime,
    access_secret: Given,
    refresh_secret: Given,
}

/// A secret in the environment, or in a file that the environment names.
#[derive(Debug)]
struct Given {
    variable: &'static str,
    text: Option<SecretString>,
    file: Option<String>,
}

impl TokenSettings {
    /// Reads what is set.
    pub fn read(
        sources: &Sources<impl Fn(&str) -> Option<OsString>>,
        access_lifetime: Lifetime,
        leeway: Lifetime,
    ) -> Result<Self, Failure> {
        let text = |name| Ok::<_, Failure>(sources.find(name)?.map(Found::into_text));
        let secret = |variable, file| {
            let of = |name| Ok::<_, Failure>(sources.variable(&[name])?.map(Found::into_text));
            Ok::<_, Failure>(Given {
                variable,
                text: of(variable)?.map(SecretString::new),
                file: of(file)?,
            })
        };
        Ok(Self {
            issuer: text(ISSUER)?,
            audience: text(AUDIENCE)?,
            access_lifetime,
            leeway,
            access_secret: secret("ACCESS_TOKEN_SECRET", "ACCESS_TOKEN_SECRET_FILE")?,
            refresh_secret: secret("REFRESH_TOKEN_SECRET", "REFRESH_TOKEN_SECRET_FILE")?,
        })
    }

    /// The secret that signs access tokens, if one does.
    pub fn access_secret(&self) -> Result<Option<SigningSecret>, Failure> {
        self.access_secret.parse()
    }

    /// The secret that refresh tokens are made with, if they are.
    pub fn refresh_secret(&self) -> Result<Option<SigningSecret>, Failure> {
        self.refresh_secret.parse()
    }
}

impl Given {
    fn parse(&self) -> Result<Option<SigningSecret>, Failure> {
        let read = match (&self.text, &self.file) {
            (Some(text), _) => text.clone(),
            (None, Some(path)) => {
                let text = fs::read_to_string(path).map_err(|error| setting(path, error))?;
                SecretString::new(text.trim_end_matches(['\r', '\n']).to_owned())
            }
            (None, None) => return Ok(None),
        };
        let parsed = SigningSecret::parse(read.expose());
        parsed
            .map(Some)
            .map_err(|error| setting(self.variable, error))
    }
}
