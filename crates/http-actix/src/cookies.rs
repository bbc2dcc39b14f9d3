//! The two cookies of the cookie transport: their names, attributes and ends.

use std::net::IpAddr;

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

/// The longest that browsers keep a cookie (RFC 6265bis §5.5).
const MAX_AGE: u64 = 400 * 24 * 60 * 60;
/// The longest name and value together that browsers keep (RFC 6265bis §5.6), in bytes.
const MAX_BYTES: usize = 4_096;
/// Where the refresh cookie is sent: to this service's own routes, away from an application that
/// shares the host.
const REFRESH_PATH: &str = "/v1";
/// How many parents of a host are tried when stray cookies are expired.
const MAX_PARENTS: usize = 4;

/// How cookies are named and marked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CookiePolicy {
    /// Whether they are sent over https alone. Without it their names lose their prefixes.
    pub secure: bool,
    /// The domain of the access cookie; the refresh cookie never has one.
    pub domain: Option<String>,
}

/// One of the two cookies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Carries the access token to every path.
    Access,
    /// Carries the refresh token to the routes that take one.
    Refresh,
}

/// A token does not fit into a cookie; a browser would drop it in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cookie {name} would have {bytes} bytes, of which browsers keep {MAX_BYTES}")]
pub struct CookieTooLarge {
    name: &'static str,
    bytes: usize,
}

impl CookiePolicy {
    /// The name of a cookie. The prefixes make browsers insist on the attributes (RFC 6265bis
    /// §4.1.3); one with a domain cannot be `__Host-`.
    pub const fn name(&self, kind: Kind) -> &'static str {
        match (kind, self.secure, &self.domain) {
            (Kind::Access, true, None) => "__Host-renewd_access",
            (Kind::Access, true, Some(_)) => "__Secure-renewd_access",
            (Kind::Access, false, _) => "renewd_access",
            (Kind::Refresh, true, _) => "__Secure-renewd_refresh",
            (Kind::Refresh, false, _) => "renewd_refresh",
        }
    }

    /// A cookie with a token in it, for so many seconds or until the browser is closed.
    pub fn carrying(
        &self,
        kind: Kind,
        token: &str,
        max_age: Option<u64>,
    ) -> Result<Cookie<'static>, CookieTooLarge> {
        let name = self.name(kind);
        let bytes = name.len() + token.len();
        if bytes > MAX_BYTES {
            return Err(CookieTooLarge { name, bytes });
        }
        let mut cookie = self.bare(kind, token.to_owned());
        if let Some(seconds) = max_age {
            // Never 0, which would take the cookie away: the token may have less than a second left.
            let seconds = i64::try_from(seconds.clamp(1, MAX_AGE)).unwrap_or(1);
            cookie.set_max_age(Duration::seconds(seconds));
        }
        Ok(cookie)
    }

    /// What takes both cookies away.
    pub fn cleared(&self) -> [Cookie<'static>; 2] {
        [Kind::Access, Kind::Refresh].map(|kind| {
            let mut cookie = self.bare(kind, String::new());
            cookie.set_max_age(Duration::ZERO);
            cookie
        })
    }

    /// What takes cookies of the same name away that a browser at this host may hold beside ours:
    /// from an older path or domain, or tossed in by a neighbour. A browser ignores what it does
    /// not hold, and a domain that it would not accept.
    pub fn strays(&self, kind: Kind, host: &str) -> Vec<Cookie<'static>> {
        let genuine = self.bare(kind, String::new());
        if genuine.name().starts_with("__Host-") {
            // One host, one path, no domain: there can be no other.
            return Vec::new();
        }
        let domains = std::iter::once(None).chain(parents(host).into_iter().map(Some));
        let places = domains.flat_map(|domain| ["/", REFRESH_PATH].map(|path| (path, domain)));
        places
            .filter(|(path, domain)| genuine.path() != Some(*path) || genuine.domain() != *domain)
            .map(|(path, domain)| {
                let mut cookie = genuine.clone();
                cookie.set_path(path);
                match domain {
                    Some(domain) => cookie.set_domain(domain.to_owned()),
                    None => cookie.unset_domain(),
                }
                cookie.set_max_age(Duration::ZERO);
                cookie
            })
            .collect()
    }

    fn bare(&self, kind: Kind, value: String) -> Cookie<'static> {
        let cookie = Cookie::build(self.name(kind), value).http_only(true);
        let cookie = match kind {
            Kind::Access => cookie.path("/").same_site(SameSite::Lax),
            Kind::Refresh => cookie.path(REFRESH_PATH).same_site(SameSite::Strict),
        };
        let cookie = if self.secure {
            cookie.secure(true)
        } else {
            cookie
        };
        match (&self.domain, kind) {
            (Some(domain), Kind::Access) => cookie.domain(domain.clone()).finish(),
            (Some(_) | None, Kind::Access | Kind::Refresh) => cookie.finish(),
        }
    }
}

/// The domains that a cookie for this host can have: the name itself and its parents.
fn parents(host: &str) -> Vec<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_name = name
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
    if !is_name || name.parse::<IpAddr>().is_ok() {
        return Vec::new();
    }
    std::iter::successors(Some(name), |name| Some(name.split_once('.')?.1))
        .take_while(|name| name.contains('.'))
        .take(MAX_PARENTS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(secure: bool, domain: Option<&str>) -> CookiePolicy {
        let domain = domain.map(str::to_owned);
        CookiePolicy { secure, domain }
    }

    fn both(policy: &CookiePolicy, max_age: Option<u64>) -> String {
        [Kind::Access, Kind::Refresh]
            .map(|kind| policy.carrying(kind, "t", max_age).unwrap().to_string())
            .join("\n")
    }

    /// S115: names and attributes.
    #[test]
    fn cookies_are_marked() {
        insta::assert_snapshot!(both(&policy(true, None), Some(60)), @r"
        __Host-renewd_access=t; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=60
        __Secure-renewd_refresh=t; HttpOnly; SameSite=Strict; Secure; Path=/v1; Max-Age=60
        ");
        insta::assert_snapshot!(both(&policy(true, Some("example.com")), None), @r"
        __Secure-renewd_access=t; HttpOnly; SameSite=Lax; Secure; Path=/; Domain=example.com
        __Secure-renewd_refresh=t; HttpOnly; SameSite=Strict; Secure; Path=/v1
        ");
        insta::assert_snapshot!(both(&policy(false, None), Some(u64::MAX)), @r"
        renewd_access=t; HttpOnly; SameSite=Lax; Path=/; Max-Age=34560000
        renewd_refresh=t; HttpOnly; SameSite=Strict; Path=/v1; Max-Age=34560000
        ");
    }

    /// S100: cleared under the same name, path, domain and attributes.
    #[test]
    fn cookies_are_cleared_as_they_were_set() {
        let cleared = policy(true, Some("example.com")).cleared();
        insta::assert_snapshot!(cleared.map(|cookie| cookie.to_string()).join("\n"), @r"
        __Secure-renewd_access=; HttpOnly; SameSite=Lax; Secure; Path=/; Domain=example.com; Max-Age=0
        __Secure-renewd_refresh=; HttpOnly; SameSite=Strict; Secure; Path=/v1; Max-Age=0
        ");
    }

    /// S116: what browsers would drop is not sent.
    #[test]
    fn a_cookie_has_4096_bytes_at_most() {
        let policy = policy(true, None);
        let room = MAX_BYTES - policy.name(Kind::Access).len();
        assert!(
            policy
                .carrying(Kind::Access, &"t".repeat(room), None)
                .is_ok()
        );
        assert!(
            policy
                .carrying(Kind::Access, &"t".repeat(room + 1), None)
                .is_err()
        );
    }

    /// S118: strays are expired wherever they can be, the genuine cookie never.
    #[test]
    fn strays_are_expired_beside_the_genuine_cookie() {
        let secure = policy(true, None);
        assert!(secure.strays(Kind::Access, "auth.example.com").is_empty());
        let strays: Vec<_> = secure
            .strays(Kind::Refresh, "auth.example.com:8443")
            .iter()
            .map(ToString::to_string)
            .collect();
        insta::assert_snapshot!(strays.join("\n"), @r"
        __Secure-renewd_refresh=; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=0
        __Secure-renewd_refresh=; HttpOnly; SameSite=Strict; Secure; Path=/; Domain=auth.example.com; Max-Age=0
        __Secure-renewd_refresh=; HttpOnly; SameSite=Strict; Secure; Path=/v1; Domain=auth.example.com; Max-Age=0
        __Secure-renewd_refresh=; HttpOnly; SameSite=Strict; Secure; Path=/; Domain=example.com; Max-Age=0
        __Secure-renewd_refresh=; HttpOnly; SameSite=Strict; Secure; Path=/v1; Domain=example.com; Max-Age=0
        ");
        let shared = policy(true, Some("example.com"));
        let is_genuine = |cookie: &Cookie<'_>| {
            cookie.domain() == Some("example.com") && cookie.path() == Some("/")
        };
        let strays = shared.strays(Kind::Access, "auth.example.com");
        assert!(strays.len() == 5 && !strays.iter().any(is_genuine));
    }

    #[test]
    fn only_names_have_parents() {
        assert_eq!(
            parents("a.b.example.com"),
            ["a.b.example.com", "b.example.com", "example.com"]
        );
        assert_eq!(parents("a.b.c.d.e.f.g").len(), MAX_PARENTS);
        for none in [
            "",
            "localhost:8080",
            "127.0.0.1:80",
            "[::1]:80",
            "::1",
            "a.b;x=y",
            "a.b\r\n",
        ] {
            assert!(parents(none).is_empty(), "{none}");
        }
    }
}
