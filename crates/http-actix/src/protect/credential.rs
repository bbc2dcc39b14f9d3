//! Which token did a request bring? Read from headers alone, never from the address (RFC 6750 §5.3).

use actix_web::http::header::{self, HeaderMap};
use token_core::id::SessionId;

use crate::problem::Code;

/// How many different cookies of one name a browser can come to hold by accident; each of them
/// costs a signature to look at.
const MOST_VALUES: usize = 8;

/// Where a token came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The `Authorization` header.
    Header,
    /// A cookie.
    Cookie,
}

/// A token that a request brought; nothing is said of its worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Brought {
    pub(crate) token: String,
    pub(crate) source: Source,
}

/// The request's credentials contradict each other, so none is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ambiguous;

impl From<Ambiguous> for Code {
    fn from(Ambiguous: Ambiguous) -> Self {
        Self::AmbiguousCredentials
    }
}

/// The access token of a request: from the header, or from the cookies of that name. `peek` reads
/// session and age of a correctly signed token, for requests with several cookies.
pub(crate) fn access<R: Ord>(
    headers: &HeaderMap,
    cookie: Option<&str>,
    peek: impl Fn(&str) -> Option<(SessionId, R)>,
) -> Result<Option<Brought>, Ambiguous> {
    let bearer = bearer(headers)?;
    let values = cookie.map_or_else(Vec::new, |name| cookies(headers, name));
    let cookie = pick(values, peek)?;
    match (bearer, cookie) {
        (Some(bearer), Some(cookie)) if bearer != cookie => Err(Ambiguous),
        (Some(token), _) => Ok(Some(Brought {
            token,
            source: Source::Header,
        })),
        (None, Some(token)) => Ok(Some(Brought {
            token,
            source: Source::Cookie,
        })),
        (None, None) => Ok(None),
    }
}

/// The bearer token of the `Authorization` header. Another scheme brings none; what is no token at
/// all is one that will be refused, never an error.
fn bearer(headers: &HeaderMap) -> Result<Option<String>, Ambiguous> {
    let mut all = headers.get_all(header::AUTHORIZATION);
    let Some(value) = all.next() else {
        return Ok(None);
    };
    if all.next().is_some() {
        return Err(Ambiguous);
    }
    let value = value.as_bytes();
    let end = value.iter().position(|byte| *byte == b' ');
    let (scheme, token) = value.split_at(end.unwrap_or(value.len()));
    // RFC 9110 §11.1: schemes are compared without regard to case.
    let is_bearer = scheme.eq_ignore_ascii_case(b"bearer");
    let token = str::from_utf8(token).unwrap_or_default();
    Ok(is_bearer.then(|| token.trim_matches(' ').to_owned()))
}

/// The different values of the cookies of that name, in the order in which they came. Values are
/// taken as they are: one token has one spelling. Of more than [`pick`] accepts only so many are
/// given that it can tell.
pub(crate) fn cookies(headers: &HeaderMap, name: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    let pairs = headers
        .get_all(header::COOKIE)
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'));
    for pair in pairs {
        let Some(value) = value_of(pair, name.as_bytes()) else {
            continue;
        };
        let is_known = values.iter().any(|known| known == value);
        if !is_known && !value.is_empty() {
            values.push(value.to_owned());
            if values.len() > MOST_VALUES {
                break;
            }
        }
    }
    values
}

/// The value of a `name=value` pair, if the name is this one to the byte. Libraries trim what
/// Unicode calls white space, which a browser takes for part of the name: it would let any
/// neighbour set a cookie that passes for one with a `__Host-` prefix. Here only what RFC 6265
/// §5.2 trims is trimmed, and quotes are part of the value.
fn value_of<'a>(pair: &'a [u8], name: &[u8]) -> Option<&'a str> {
    let at = pair.iter().position(|byte| *byte == b'=')?;
    let (found, value) = pair.split_at(at);
    let value = value.get(1..)?;
    (trimmed(found) == name).then(|| str::from_utf8(trimmed(value)).ok())?
}

fn trimmed(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Of several cookies of one name (an older path or domain, or one that another host tossed in)
/// the one that counts: the newest correctly signed one, if all of those are of one session.
pub(crate) fn pick<R: Ord>(
    mut values: Vec<String>,
    peek: impl Fn(&str) -> Option<(SessionId, R)>,
) -> Result<Option<String>, Ambiguous> {
    if values.len() > MOST_VALUES {
        return Err(Ambiguous);
    }
    if values.len() < 2 {
        return Ok(values.pop());
    }
    let mut newest: Option<(SessionId, R, usize)> = None;
    for (at, value) in values.iter().enumerate() {
        let Some((session, age)) = peek(value) else {
            continue;
        };
        match &newest {
            Some((other, _, _)) if *other != session => return Err(Ambiguous),
            Some((_, best, _)) if *best >= age => {}
            Some(_) | None => newest = Some((session, age, at)),
        }
    }
    // If all are junk, any of them gets the refusal that junk gets.
    let at = newest.map_or(0, |(_, _, at)| at);
    Ok(Some(values.swap_remove(at)))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    /// S118: a name that only looks like ours, to a library that trims too much, is another name.
    #[test]
    fn names_are_compared_to_the_byte() {
        let name = "__Host-renewd_access";
        for good in [
            "__Host-renewd_access=t",
            " \t__Host-renewd_access \t= t\t",
            "a=b;__Host-renewd_access=t",
        ] {
            let headers = headers(&[("cookie", good.as_bytes())]);
            assert_eq!(cookies(&headers, name), ["t"], "{good:?}");
        }
        for space in ["\u{2000}", "\u{85}", "\u{a0}", "\u{3000}", "\u{feff}"] {
            for bad in [
                format!("{space}__Host-renewd_access=t"),
                format!("__Host-renewd_access{space}=t"),
            ] {
                let headers = headers(&[("cookie", bad.as_bytes())]);
                assert!(cookies(&headers, name).is_empty(), "{bad:?}");
            }
        }
        for other in [
            "__host-renewd_access=t",
            "__Host-renewd_access",
            "x__Host-renewd_access=t",
            "\"__Host-renewd_access\"=t",
        ] {
            let headers = headers(&[("cookie", other.as_bytes())]);
            assert!(cookies(&headers, name).is_empty(), "{other:?}");
        }
        let quoted = headers(&[("cookie", b"__Host-renewd_access=\"t\"")]);
        assert_eq!(cookies(&quoted, name), ["\"t\""], "not the token");
    }

    fn headers(pairs: &[(&str, &[u8])]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name: HeaderName = name.parse().unwrap();
                (name, HeaderValue::from_bytes(value).unwrap())
            })
            .collect()
    }

    fn session(text: &str) -> SessionId {
        format!("018f0000-0000-7000-8000-00000000000{text}")
            .parse()
            .unwrap()
    }

    /// `good-1-7` is a token of session 1 that is 7 old; everything else is junk.
    fn peek(token: &str) -> Option<(SessionId, u32)> {
        let (id, age) = token.strip_prefix("good-")?.split_once('-')?;
        Some((session(id), age.parse().ok()?))
    }

    fn brought(pairs: &[(&str, &[u8])]) -> Result<Option<Brought>, Ambiguous> {
        access(&headers(pairs), Some("c"), peek)
    }

    fn of(token: &str, source: Source) -> Brought {
        let token = token.to_owned();
        Brought { token, source }
    }

    /// S121 S122: the scheme in any case, other schemes are nothing, nothing panics.
    #[test]
    fn bearer_headers_are_read() {
        for good in ["Bearer t", "bearer t", "BEARER   t "] {
            let value = good.as_bytes();
            assert_eq!(
                brought(&[("authorization", value)]),
                Ok(Some(of("t", Source::Header)))
            );
        }
        for none in ["", "Basic YTpi", "t", "Bearert"] {
            assert_eq!(
                brought(&[("authorization", none.as_bytes())]),
                Ok(None),
                "{none}"
            );
        }
        for junk in [
            &b"Bearer"[..],
            b"Bearer ",
            b"Bearer \xff\xfe",
            b"Bearer a b",
        ] {
            assert!(
                matches!(brought(&[("authorization", junk)]), Ok(Some(_))),
                "{junk:?}"
            );
        }
        let twice: [(&str, &[u8]); 2] = [
            ("authorization", b"Bearer a"),
            ("authorization", b"Bearer a"),
        ];
        assert_eq!(brought(&twice), Err(Ambiguous));
    }

    /// S121: a header and a cookie must agree.
    #[test]
    fn header_and_cookie_must_agree() {
        let both = |header: &str, cookie: &str| {
            brought(&[
                ("authorization", header.as_bytes()),
                ("cookie", cookie.as_bytes()),
            ])
        };
        assert_eq!(both("Bearer a", "c=a"), Ok(Some(of("a", Source::Header))));
        assert_eq!(both("Bearer a", "c=b"), Err(Ambiguous));
        assert_eq!(both("Bearer ", "c=b"), Err(Ambiguous));
        assert_eq!(both("Basic x", "c=b"), Ok(Some(of("b", Source::Cookie))));
        assert_eq!(both("Bearer a", "c="), Ok(Some(of("a", Source::Header))));
    }

    /// S118: several cookies of one name.
    #[test]
    fn of_several_cookies_the_newest_of_one_session_counts() {
        for (cookie, expected) in [
            ("c=a", Ok(Some(of("a", Source::Cookie)))),
            ("x=1; c=a ; c=a", Ok(Some(of("a", Source::Cookie)))),
            (
                "c=good-1-3; c=good-1-7; c=good-1-5",
                Ok(Some(of("good-1-7", Source::Cookie))),
            ),
            (
                "c=junk; c=good-1-3; c=",
                Ok(Some(of("good-1-3", Source::Cookie))),
            ),
            ("c=good-1-3; c=good-2-3", Err(Ambiguous)),
            ("c=junk; c=more", Ok(Some(of("junk", Source::Cookie)))),
            ("C=a; cc=b; c", Ok(None)),
            (";;=; =; c=", Ok(None)),
            ("c=good%2D1", Ok(Some(of("good%2D1", Source::Cookie)))),
        ] {
            assert_eq!(
                brought(&[("cookie", cookie.as_bytes())]),
                expected,
                "{cookie}"
            );
        }
        let split: [(&str, &[u8]); 3] = [
            ("cookie", b"c=\xff\xfe; x=y"),
            ("cookie", b"c=good-1-1"),
            ("cookie", b"c=good-1-2"),
        ];
        assert_eq!(brought(&split), Ok(Some(of("good-1-2", Source::Cookie))));
    }

    /// S118 S127: so many that only a flood has them are refused, and none is looked at.
    #[test]
    fn a_flood_of_cookies_is_ambiguous() {
        let flood = |values: usize| {
            let pairs: Vec<String> = (0..values).map(|n| format!("c=good-1-{n}")).collect();
            headers(&[("cookie", pairs.join("; ").as_bytes())])
        };
        let newest = format!("good-1-{}", MOST_VALUES - 1);
        assert_eq!(
            access(&flood(MOST_VALUES), Some("c"), peek),
            Ok(Some(of(&newest, Source::Cookie)))
        );
        for many in [MOST_VALUES + 1, 10_000] {
            let looked: std::cell::Cell<u32> = std::cell::Cell::default();
            let counting = |token: &str| {
                looked.set(looked.get() + 1);
                peek(token)
            };
            assert_eq!(access(&flood(many), Some("c"), counting), Err(Ambiguous));
            assert_eq!(looked.get(), 0);
            assert_eq!(cookies(&flood(many), "c").len(), MOST_VALUES + 1);
        }
    }
}
