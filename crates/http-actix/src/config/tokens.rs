//! `[tokens]`: what tokens say, who signs them and how long they last.

use token_core::key::{AccessAlgorithm, RsaBits, SigningSecret};
use token_core::policy::{RefreshPolicy, ReusePolicy};
use token_core::time::Lifetime;
use token_core::token::access::AccessTyp;
use token_core::token::profile::ProfileClaims;
use url::Url;

use super::error::ConfigError;
use super::raw::{Origin, Raw};
use super::secrets;
use super::session::{SessionConfig, lifetime, lifetime_up_to};
use super::settings::{
    ACCESS_ALG, ACCESS_LIFETIME, ACCESS_SECRET, ACCESS_TYP, AUDIENCE, ISSUER, LEEWAY,
    REFRESH_LIFETIME, REFRESH_POLICY, REFRESH_SECRET, REPLAY_WINDOW, REUSE_POLICY, RSA_BITS,
    SESSION_MAX_AGE, Setting,
};

/// What tokens say, who signs them and how long they last.
#[derive(Debug)]
pub struct TokensConfig {
    /// The issuer, if one is given; else it follows the port, see [`Self::issuer_at`].
    pub issuer: Option<String>,
    /// The audience, if it is not the issuer.
    pub audience: Option<String>,
    /// How much clocks may differ.
    pub leeway: Lifetime,
    /// Signs access tokens instead of a managed key.
    pub access_secret: Option<SigningSecret>,
    /// The algorithm of managed keys.
    pub access_algorithm: AccessAlgorithm,
    /// The `typ` of access tokens.
    pub access_typ: AccessTyp,
    /// How long access tokens last.
    pub access_lifetime: Lifetime,
    /// What they say of their user.
    pub claims: ProfileClaims,
    /// Key material of refresh tokens instead of a managed key.
    pub refresh_secret: Option<SigningSecret>,
    /// How long a session lasts without a refresh.
    pub refresh_lifetime: Lifetime,
    /// What a refresh does to that.
    pub refresh_policy: RefreshPolicy,
    /// What a late parent means.
    pub reuse_policy: ReusePolicy,
    /// How long a refresh can be repeated.
    pub replay_window: Lifetime,
}

/// Clocks that differ by more are broken (RFC 7519 §4.1.4).
const MOST_LEEWAY: Lifetime = Lifetime::from_seconds(60);
/// A longer window would hide a thief for too long.
const MOST_REPLAY_WINDOW: Lifetime = Lifetime::from_seconds(300);

impl TokensConfig {
    /// Checks the section.
    pub fn parse(
        raw: &mut Raw,
        session: &SessionConfig,
        warnings: &mut Vec<String>,
    ) -> Result<Self, ConfigError> {
        let (access_secret, refresh_secret) = signing_secrets(raw, warnings)?;
        let access_lifetime = clipped(raw, &ACCESS_LIFETIME, session, warnings)?;
        let refresh_lifetime = clipped(raw, &REFRESH_LIFETIME, session, warnings)?;
        let issuer = issuer(raw, warnings)?;
        Ok(Self {
            issuer,
            audience: raw.parse_optional(&AUDIENCE, parse_audience)?,
            leeway: lifetime_up_to(raw, &LEEWAY, MOST_LEEWAY)?,
            access_algorithm: algorithm(raw)?,
            access_typ: raw.choose(
                &ACCESS_TYP,
                &[("at+jwt", AccessTyp::AtJwt), ("JWT", AccessTyp::Jwt)],
            )?,
            claims: claims(raw)?,
            refresh_policy: raw.choose(
                &REFRESH_POLICY,
                &[
                    ("sliding", RefreshPolicy::Sliding),
                    ("fixed", RefreshPolicy::Fixed),
                ],
            )?,
            reuse_policy: raw.choose(
                &REUSE_POLICY,
                &[
                    ("strict", ReusePolicy::Strict),
                    ("recover", ReusePolicy::Recover),
                ],
            )?,
            access_secret,
            access_lifetime,
            refresh_secret,
            refresh_lifetime,
            replay_window: replay_window(raw, warnings)?,
        })
    }

    /// The issuer of a server that listens on this port.
    pub fn issuer_at(&self, port: u16) -> String {
        self.issuer
            .clone()
            .unwrap_or_else(|| format!("http://localhost:{port}"))
    }
}

type Secrets = (Option<SigningSecret>, Option<SigningSecret>);

fn signing_secrets(raw: &Raw, warnings: &mut Vec<String>) -> Result<Secrets, ConfigError> {
    let access = secrets::signing(raw, &ACCESS_SECRET)?;
    let refresh = secrets::signing(raw, &REFRESH_SECRET)?;
    let Some(secret) = &access else {
        return Ok((access, refresh));
    };
    if refresh
        .as_ref()
        .is_some_and(|r| r.expose() == secret.expose())
    {
        return Err(ConfigError::at(
            REFRESH_SECRET.variable,
            format!("must differ from {}", ACCESS_SECRET.variable),
        ));
    }
    if raw
        .get(&ACCESS_ALG)
        .is_some_and(|v| v.origin != Origin::Default)
    {
        return Err(raw.mistake(
            &ACCESS_ALG,
            format!(
                "is for managed keys, but {} is set, which means HS256: set one of them",
                ACCESS_SECRET.variable
            ),
        ));
    }
    warnings.push(format!(
        "{}: access tokens are signed with a shared secret (HS256): whoever verifies them can \
         also make them; managed keys, the default, do not have this weakness",
        ACCESS_SECRET.variable
    ));
    Ok((access, refresh))
}

/// No token outlives its session.
fn clipped(
    raw: &mut Raw,
    setting: &Setting,
    session: &SessionConfig,
    warnings: &mut Vec<String>,
) -> Result<Lifetime, ConfigError> {
    let given = lifetime(raw, setting)?;
    if given <= session.max_age {
        return Ok(given);
    }
    warnings.push(format!(
        "{}: {given} is longer than a session lasts ({}): clipped to {}",
        setting.variable, SESSION_MAX_AGE.variable, session.max_age
    ));
    raw.replace(setting, session.max_age.to_string());
    Ok(session.max_age)
}

fn replay_window(raw: &Raw, warnings: &mut Vec<String>) -> Result<Lifetime, ConfigError> {
    let window = lifetime_up_to(raw, &REPLAY_WINDOW, MOST_REPLAY_WINDOW)?;
    if window == Lifetime::ZERO {
        warnings.push(format!(
            "{}: without a replay window a client that loses an answer, or refreshes from two \
             tabs at once, is logged out",
            REPLAY_WINDOW.variable
        ));
    }
    Ok(window)
}

fn issuer(raw: &Raw, warnings: &mut Vec<String>) -> Result<Option<String>, ConfigError> {
    let issuer = raw.parse_optional(&ISSUER, parse_issuer)?;
    if issuer.as_deref().is_some_and(is_unencrypted) {
        warnings.push(format!(
            "{}: an http issuer is for development; in production tokens need https",
            ISSUER.variable
        ));
    }
    Ok(issuer)
}

/// The longest issuer and audience: every token carries both.
const MOST_BYTES: usize = 512;

/// Issuers are compared as texts (RFC 9068 §4), so there is one way to write each
/// (RFC 8414 §2: no query, no fragment).
fn parse_issuer(text: &str) -> Result<String, String> {
    const WANTED: &str = "must be an http or https URL, for example https://auth.example.com";
    if text.len() > MOST_BYTES {
        return Err(format!("must have at most {MOST_BYTES} bytes"));
    }
    let url = Url::parse(text).map_err(|_| WANTED.to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(WANTED.to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must have no query and no fragment".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must have no user name and no password".to_owned());
    }
    let canonical = url.as_str().trim_end_matches('/');
    if canonical != text {
        return Err(format!("write it as {canonical}"));
    }
    Ok(text.to_owned())
}

fn parse_audience(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.len() > MOST_BYTES || text.chars().any(char::is_control) {
        return Err("must be a text of 1 to 512 bytes");
    }
    Ok(text.to_owned())
}

fn algorithm(raw: &Raw) -> Result<AccessAlgorithm, ConfigError> {
    let bits = raw.parse(&RSA_BITS, |text| {
        let known = RsaBits::ALL.into_iter();
        let mut fitting = known.filter(|bits| bits.get().to_string() == text);
        fitting.next().ok_or("must be 2048, 3072 or 4096")
    })?;
    raw.choose(
        &ACCESS_ALG,
        &[
            ("ES256", AccessAlgorithm::Es256),
            ("EdDSA", AccessAlgorithm::EdDsa),
            ("RS256", AccessAlgorithm::Rs256(bits)),
        ],
    )
}

fn claims(raw: &Raw) -> Result<ProfileClaims, ConfigError> {
    let Some((pairs, place)) = &raw.claims else {
        return Ok(ProfileClaims::default());
    };
    let pairs = pairs.iter().map(|(c, m)| (c.as_str(), m.as_str()));
    ProfileClaims::parse(pairs).map_err(|error| ConfigError::at(place, error))
}

/// Whether tokens of this issuer travel in the clear between machines.
fn is_unencrypted(issuer: &str) -> bool {
    Url::parse(issuer).is_ok_and(|url| url.scheme() == "http" && !is_local(&url))
}

/// Whether a URL names this machine.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
