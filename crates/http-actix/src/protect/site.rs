//! Did a browser send this request for a page of ours? (OWASP: Fetch Metadata, then `Origin`.)

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderName};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request that cookies authorize may be served. `is_allowed` knows the origins of pages
/// that may make it.
pub(crate) fn may_use_cookies(headers: &HeaderMap, is_allowed: impl Fn(&str) -> bool) -> bool {
    let site = single(headers, &SEC_FETCH_SITE);
    if matches!(site, Said::Once("same-origin" | "none")) {
        return true;
    }
    match (single(headers, &header::ORIGIN), site) {
        (Said::Once(origin), _) => is_allowed(origin),
        // Neither header: not a browser of today, so no page made it do this.
        (Said::Nothing, Said::Nothing) => true,
        (Said::Nothing | Said::Oddly, _) => false,
    }
}

/// Whether a method changes nothing (RFC 9110 §9.2.1).
pub(crate) fn is_safe(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE].contains(method)
}

/// What a header that can be there once says.
#[derive(Debug, Clone, Copy)]
enum Said<'a> {
    Nothing,
    Once(&'a str),
    /// Several times, or not in ASCII.
    Oddly,
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Said<'a> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (None, _) => Said::Nothing,
        (Some(value), None) => value.to_str().map_or(Said::Oddly, Said::Once),
        (Some(_), Some(_)) => Said::Oddly,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn passes(pairs: &[(&str, &'static str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().unwrap();
                (name, HeaderValue::from_static(value))
            })
            .collect();
        may_use_cookies(&headers, |origin| origin == "https://app.example.com")
    }

    /// S119: the whole matrix of what browsers say.
    #[test]
    fn own_pages_pass_and_foreign_ones_do_not() {
        const SITE: &str = "sec-fetch-site";
        const ORIGIN: &str = "origin";
        const APP: &str = "https://app.example.com";
        const EVIL: &str = "https://evil.example";
        for (pairs, expected) in [
            (&[][..], true),
            (&[(SITE, "same-origin")], true),
            (&[(SITE, "none")], true),
            (&[(SITE, "same-origin"), (ORIGIN, EVIL)], true),
            (&[(SITE, "cross-site"), (ORIGIN, APP)], true),
            (&[(SITE, "same-site"), (ORIGIN, APP)], true),
            (&[(ORIGIN, APP)], true),
            (&[(SITE, "cross-site")], false),
            (&[(SITE, "same-site")], false),
            (&[(SITE, "nonsense")], false),
            (&[(SITE, "")], false),
            (&[(SITE, "Same-Origin")], false),
            (&[(SITE, "cross-site"), (ORIGIN, EVIL)], false),
            (&[(SITE, "cross-site"), (ORIGIN, "null")], false),
            (&[(ORIGIN, "null")], false),
            (&[(ORIGIN, "")], false),
            (&[(ORIGIN, "https://app.example.com.evil.example")], false),
            (&[(ORIGIN, APP), (ORIGIN, EVIL)], false),
            (&[(SITE, "same-origin"), (SITE, "cross-site")], false),
        ] {
            assert_eq!(passes(pairs), expected, "{pairs:?}");
        }
    }

    #[test]
    fn what_can_change_something_is_not_safe() {
        for unsafe_method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert!(!is_safe(&unsafe_method));
        }
        assert!(!is_safe(&Method::from_bytes(b"PURGE").unwrap()));
        assert!(is_safe(&Method::GET));
    }
}
