//! `[cookies]`: how cookies are named and marked.

use url::{Host, Url};

use super::database::TRUTH;
use super::error::ConfigError;
use super::raw::Raw;
use super::settings::{COOKIE_DOMAIN, COOKIE_SECURE};
use crate::cookies::CookiePolicy;

/// Checks the section.
pub fn parse(
    raw: &Raw,
    issuer: Option<&str>,
    warnings: &mut Vec<String>,
) -> Result<CookiePolicy, ConfigError> {
    let secure = raw.choose(&COOKIE_SECURE, &TRUTH)?;
    let domain = raw.parse_optional(&COOKIE_DOMAIN, parse_domain)?;
    let issuer = issuer.and_then(|issuer| Url::parse(issuer).ok());
    if !secure {
        if issuer.as_ref().is_some_and(|url| url.scheme() == "https") {
            return Err(raw.mistake(
                &COOKIE_SECURE,
                "must be true with an https issuer: cookies would travel in the clear",
            ));
        }
        warnings.push(format!(
            "{}: cookies travel over plain http too; false is for development",
            COOKIE_SECURE.variable
        ));
    }
    if let (Some(domain), Some(host)) = (&domain, issuer.as_ref().and_then(Url::host_str))
        && !is_within(host, domain)
    {
        warnings.push(format!(
            "{}: {domain} is not a domain of the issuer's host {host}: browsers will refuse the \
             access cookie",
            COOKIE_DOMAIN.variable
        ));
    }
    Ok(CookiePolicy { secure, domain })
}

/// A registrable name: browsers ignore a Domain without a dot and one that is an address.
fn parse_domain(text: &str) -> Result<String, &'static str> {
    const WANTED: &str = "must be a domain in lower case without a leading dot, like example.com";
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let is_name = matches!(Host::parse(text), Ok(Host::Domain(_)));
    if is_name && text.len() <= 253 && text.contains('.') && text.split('.').all(label) {
        Ok(text.to_owned())
    } else {
        Err(WANTED)
    }
}

fn is_within(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
