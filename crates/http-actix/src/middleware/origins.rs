//! The origins whose pages may call from a browser.

use std::collections::HashSet;

use url::Url;

/// Exact origins (RFC 6454 §6.2): `scheme://host[:port]` as browsers write them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedOrigins(HashSet<String>);

/// A text is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an origin: write scheme://host or scheme://host:port, without a path")]
pub struct InvalidOrigin(String);

impl AllowedOrigins {
    /// Parses origins and writes them as browsers do: host in lower case and punycode, no default
    /// port.
    pub fn parse(list: &[String]) -> Result<Self, InvalidOrigin> {
        let parsed = list
            .iter()
            .map(|text| origin(text).ok_or_else(|| InvalidOrigin(text.escape_debug().to_string())));
        parsed.collect::<Result<_, _>>().map(Self)
    }

    /// Whether a browser's `Origin` header is one of them, to the letter. `null` never is.
    pub fn contains(&self, origin: &str) -> bool {
        self.0.contains(origin)
    }
}

fn origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https");
    // The parser forgives much; an origin has nothing after its host and port, nor before.
    let (_, authority) = text.split_once("://")?;
    let is_bare = !authority.contains(['/', '\\', '?', '#', '@', '*'])
        && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    (is_web && is_bare && url.has_host()).then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<AllowedOrigins, InvalidOrigin> {
        AllowedOrigins::parse(&[text.to_owned()])
    }

    /// S120: exact origins, normalised as browsers do.
    #[test]
    fn origins_are_parsed() {
        for (text, written) in [
            ("https://app.example.com", "https://app.example.com"),
            ("HTTPS://App.Example.COM:443", "https://app.example.com"),
            ("http://localhost:8080", "http://localhost:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert!(one(text).unwrap().contains(written), "{text}");
        }
        for bad in [
            "",
            "*",
            "null",
            "example.com",
            "https://",
            "ftp://a",
            "https://a/",
            "https://a/b",
            "https://a?b",
            "https://a#b",
            "https://u@a",
            "https://*.a",
            "https://a b",
            " https://a",
            "javascript:alert(1)",
            "file:///a",
            "https:a",
        ] {
            assert!(one(bad).is_err(), "{bad:?}");
        }
        let error = one("a\nb").unwrap_err().to_string();
        assert_eq!(error.lines().count(), 1);
    }

    /// S120: no trick makes another origin an allowed one.
    #[test]
    fn nothing_but_the_origin_itself_is_contained() {
        let origins = one("https://app.example.com").unwrap();
        for other in [
            "null",
            "",
            "*",
            "https://app.example.com/",
            "https://APP.example.com",
            "https://app.example.com:443",
            "http://app.example.com",
            "https://example.com",
            "https://app.example.com.evil.example",
            "https://evilapp.example.com",
        ] {
            assert!(!origins.contains(other), "{other}");
        }
    }
}
