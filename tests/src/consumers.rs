//! Every kind of JWT that renewd makes, and every place that takes one.
//!
//! A new kind is one line in [`Kind`] and its token in [`World::token`]; a new place is one line in
//! [`consumers`]. The tests of hostile tokens go through all of them.

use forge::token;
use serde_json::{Value, json};

use crate::client::{ACCESS_COOKIE, REFRESH_COOKIE};
use crate::person::PASSWORD;
use crate::server::ISSUER;
use crate::{BodyClient, Browser, Call, Person, Persona, Registered, Reply, Server};

/// A kind of JWT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An access token.
    Access,
    /// A refresh token that came in a body.
    Refresh,
    /// A refresh token that came in a cookie.
    RefreshCookie,
    /// A status list.
    StatusList,
    /// What introspection says of an access token, signed (RFC 9701).
    Introspection,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Access,
        Self::Refresh,
        Self::RefreshCookie,
        Self::StatusList,
        Self::Introspection,
    ];
}

/// How a token gets there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// `Authorization: Bearer`.
    Header,
    /// The access cookie.
    AccessCookie,
    /// The refresh cookie.
    RefreshCookie,
    /// The member `refresh_token` of a JSON body.
    Body,
}

impl Carrier {
    /// Whether the token arrives there as it is. HTTP takes white space off the ends of a value and
    /// has no place for control characters; a cookie ends at a semicolon; JSON carries all.
    pub fn carries(self, token: &str) -> bool {
        let fits = |also: &[u8]| {
            token
                .bytes()
                .all(|b| b.is_ascii_graphic() || also.contains(&b))
        };
        match self {
            Self::Header => fits(b" ") && token.trim_matches(' ') == token,
            Self::AccessCookie | Self::RefreshCookie => fits(b"") && !token.contains(';'),
            Self::Body => true,
        }
    }
}

/// A place that takes a token.
#[derive(Debug, Clone)]
pub struct Consumer {
    /// The method and the path, `{session}` for that of the caller.
    pub route: (&'static str, &'static str),
    /// How the token gets there.
    pub carrier: Carrier,
    /// The kind that is taken there.
    pub takes: Kind,
    /// What else is in the body.
    pub body: Option<Value>,
}

/// Every place that takes a token, once for each way to get it there.
pub fn consumers() -> Vec<Consumer> {
    let mut all = Vec::new();
    let mut at = |method, path, carriers: &[(Carrier, Kind)], body: Option<Value>| {
        all.extend(carriers.iter().map(|(carrier, takes)| Consumer {
            route: (method, path),
            carrier: *carrier,
            takes: *takes,
            body: body.clone(),
        }));
    };
    let access = [
        (Carrier::Header, Kind::Access),
        (Carrier::AccessCookie, Kind::Access),
    ];
    let refresh = [
        (Carrier::Body, Kind::Refresh),
        (Carrier::RefreshCookie, Kind::RefreshCookie),
    ];
    let new_password =
        json!({ "current_password": PASSWORD, "new_password": "another-long-Password-7" });
    at("GET", "/v1/verify", &access, None);
    at("GET", "/v1/me", &access, None);
    at(
        "PATCH",
        "/v1/me",
        &access,
        Some(json!({ "full_name": "Somebody Else" })),
    );
    at(
        "DELETE",
        "/v1/me",
        &access,
        Some(json!({ "password": PASSWORD })),
    );
    at("POST", "/v1/me/password", &access, Some(new_password));
    at("GET", "/v1/me/sessions", &access, None);
    at("DELETE", "/v1/me/sessions/{session}", &access, None);
    at("POST", "/v1/logout/all", &access, None);
    at("POST", "/v1/logout/others", &access, None);
    at("POST", "/v1/logout", &access, None);
    at("POST", "/v1/logout", &refresh, None);
    at("POST", "/v1/refresh", &refresh, None);
    all
}

impl Consumer {
    /// Presents a token. `session` is the one that the path names, where it names one.
    pub fn present(&self, server: &Server, session: &str, token: &str) -> Reply {
        let (method, path) = self.route;
        let call = server.call(method, &path.replace("{session}", session));
        let body = match (self.carrier, &self.body) {
            (Carrier::Body, _) => Some(json!({ "refresh_token": token })),
            (_, body) => body.clone(),
        };
        let call = match body {
            Some(body) => call.json(body),
            None => call,
        };
        self.carry(call, token).send()
    }

    fn carry(&self, call: Call, token: &str) -> Call {
        match self.carrier {
            Carrier::Header => call.bearer(token),
            Carrier::AccessCookie => call.cookie(ACCESS_COOKIE, token),
            Carrier::RefreshCookie => call.cookie(REFRESH_COOKIE, token),
            Carrier::Body => call,
        }
    }

    /// Whether the end of a session there does not ask how old the token is.
    pub fn ignores_time(&self) -> bool {
        self.route.1 == "/v1/logout"
    }

    /// The code of a refusal there. Logging out speaks of one token, whichever came.
    pub fn invalid(&self) -> &'static str {
        match (self.route.1, self.takes) {
            ("/v1/logout", _) | (_, Kind::Access) => "access_token_invalid",
            (_, Kind::Refresh | Kind::RefreshCookie) => "refresh_token_invalid",
            (_, Kind::StatusList | Kind::Introspection) => unreachable!("nobody takes them"),
        }
    }

    /// A name for messages.
    pub fn name(&self) -> String {
        format!("{} {} by {:?}", self.route.0, self.route.1, self.carrier)
    }
}

/// Somebody with a token of every kind.
#[derive(Debug)]
pub struct World {
    client: BodyClient,
    browser: Browser,
    backend: Registered,
}

impl World {
    /// Logs a new person in, twice.
    pub fn new(server: &Server, name: &str) -> Self {
        Self::with(server, name, &Registered::new(server, &[]))
    }

    /// Likewise, with a client that is there already.
    pub fn with(server: &Server, name: &str, backend: &Registered) -> Self {
        let person = Person::registered(server, name);
        Self {
            client: person.log_in(server),
            browser: person.browse(server),
            backend: backend.clone(),
        }
    }

    /// The token of a kind.
    pub fn token(&self, kind: Kind) -> String {
        match kind {
            Kind::Access => self.client.access(),
            Kind::Refresh => self.client.refresh_token(),
            Kind::RefreshCookie => self.browser.refresh_token(),
            Kind::StatusList => self.status_list(),
            Kind::Introspection => self.introspection(),
        }
    }

    /// The list that the access token names.
    fn status_list(&self) -> String {
        let claims = token::json_of(token::parts(&self.client.access())[1]);
        let uri = claims["status"]["status_list"]["uri"].as_str();
        let path = uri.expect("a status list").trim_start_matches(ISSUER);
        self.backend.anonymous.get(path).expect(200).text()
    }

    fn introspection(&self) -> String {
        let access = self.client.access();
        self.backend
            .call("/oauth2/introspect", &[("token", &access)])
            .header("accept", "application/token-introspection+jwt")
            .send()
            .expect(200)
            .text()
    }

    /// The session of the token of a kind; that of the access token for those that have none.
    pub fn session(&self, kind: Kind) -> String {
        let kind = match kind {
            Kind::StatusList | Kind::Introspection => Kind::Access,
            other => other,
        };
        let claims = token::json_of(token::parts(&self.token(kind))[1]);
        claims["sid"].as_str().expect("sid").to_owned()
    }
}

/// Everything in the database that a token could change, as text.
pub fn state(server: &Server) -> Vec<String> {
    let store = server.store();
    let session = format!(
        "{} || ' ' || generation || ' ' || rotated_at || ' ' || coalesce(end_reason, '-')",
        store.hex("refresh_digest")
    );
    let mut all = store.texts(&session, "FROM sessions");
    all.extend(store.texts(
        "username || ' ' || full_name || ' ' || password_hash",
        "FROM users",
    ));
    for table in ["keys", "audit_events"] {
        all.extend(store.texts(&format!("'{table} ' || count(*)"), &format!("FROM {table}")));
    }
    all.sort();
    all
}
