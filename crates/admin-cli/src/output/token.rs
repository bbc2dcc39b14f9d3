//! Tokens as they are printed: what they say, and whether they are good.

use serde::Serialize;
use serde_json::{Map, Value};
use token_core::id::{ClientId, SessionId};
use token_core::session::EndReason;
use token_core::time::Timestamp;

use super::table::{card, printable, time};

/// What was found out about a token.
#[derive(Debug)]
pub struct Verdict {
    /// Which of the two kinds it is.
    pub kind: Option<&'static str>,
    /// Why it is not good; a good one has no reason.
    pub reason: Option<String>,
    /// Whom it speaks for.
    pub subject: Option<String>,
    /// Which client it was made for.
    pub client_id: Option<ClientId>,
    /// Which session it belongs to.
    pub session_id: Option<SessionId>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// What the database says of the session.
    pub session: Option<SessionVerdict>,
}

/// What the database says of a token's session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionVerdict {
    /// It lives, and is this token's.
    Live,
    /// It was ended.
    Ended(EndReason),
    /// Its time has passed.
    Expired,
    /// It is of another user or client, or its user is gone or disabled.
    Foreign,
    /// There is none.
    Unknown,
}

impl SessionVerdict {
    fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Ended(reason) => reason.as_str(),
            Self::Expired => "expired",
            Self::Foreign => "not this token's, or without an active user",
            Self::Unknown => "unknown",
        }
    }

    /// Why a token of it is not good, if it is not.
    pub fn reason(self) -> Option<String> {
        match self {
            Self::Live => None,
            Self::Ended(reason) => Some(format!("its session has ended: {reason}")),
            Self::Expired | Self::Foreign | Self::Unknown => {
                Some(format!("its session is {}", self.as_str()))
            }
        }
    }
}

#[derive(Serialize)]
struct VerdictJson<'a> {
    valid: bool,
    reason: Option<&'a str>,
    kind: Option<&'a str>,
    subject: Option<&'a str>,
    client_id: Option<&'a ClientId>,
    session_id: Option<SessionId>,
    session: Option<&'static str>,
    expires_at: Option<Timestamp>,
}

impl Verdict {
    /// The token is not good, and nothing it says can be believed.
    pub fn refused(kind: Option<&'static str>, reason: String) -> Self {
        Self {
            kind,
            reason: Some(reason),
            subject: None,
            client_id: None,
            session_id: None,
            expires_at: None,
            session: None,
        }
    }

    /// Whether the token is good.
    pub const fn is_valid(&self) -> bool {
        self.reason.is_none()
    }

    /// The verdict as it goes into a document.
    pub fn json(&self) -> impl Serialize + '_ {
        VerdictJson {
            valid: self.is_valid(),
            reason: self.reason.as_deref(),
            kind: self.kind,
            subject: self.subject.as_deref(),
            client_id: self.client_id.as_ref(),
            session_id: self.session_id,
            session: self.session.map(SessionVerdict::as_str),
            expires_at: self.expires_at,
        }
    }

    /// A line that says it, and what is known.
    pub fn table(&self) -> String {
        let first = match &self.reason {
            None => "valid".to_owned(),
            Some(reason) => format!("not valid: {}", printable(reason)),
        };
        let rows = [
            ("kind", self.kind.map(str::to_owned)),
            ("subject", self.subject.as_deref().map(printable)),
            (
                "client",
                self.client_id.as_ref().map(|id| printable(id.as_str())),
            ),
            ("session", self.session_id.map(|id| id.to_string())),
            (
                "session state",
                self.session.map(|session| session.as_str().to_owned()),
            ),
            ("expires", self.expires_at.map(time)),
        ];
        let known = rows
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        format!("{first}\n{}", card(known))
    }
}

/// What a token says, in a document.
#[derive(Serialize)]
pub struct InspectedJson<'a> {
    verified: bool,
    header: &'a Map<String, Value>,
    claims: &'a Map<String, Value>,
}

impl<'a> InspectedJson<'a> {
    /// Nothing of it is verified, and the document says so.
    pub const fn of(header: &'a Map<String, Value>, claims: &'a Map<String, Value>) -> Self {
        Self {
            verified: false,
            header,
            claims,
        }
    }
}

/// What a token says, in lines. The `jti` of a refresh token is what makes it work, but whoever
/// reads this has the token.
pub fn inspected(header: &Map<String, Value>, claims: &Map<String, Value>) -> String {
    let mut text = "NOT VERIFIED: anybody can write such a token\n".to_owned();
    for (title, members) in [("header", header), ("claims", claims)] {
        text.push('\n');
        text.push_str(title);
        text.push('\n');
        let rows: Vec<(String, String)> = members
            .iter()
            .map(|(name, value)| (format!("  {}", printable(name)), told(name, value)))
            .collect();
        text.push_str(&card(
            rows.iter()
                .map(|(name, value)| (name.as_str(), value.clone())),
        ));
    }
    text
}

fn told(name: &str, value: &Value) -> String {
    let text = match value {
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    };
    let is_time = matches!(name, "exp" | "iat" | "nbf" | "auth_time" | "max");
    match value.as_i64().filter(|_| is_time) {
        Some(seconds) if (0..=253_402_300_799).contains(&seconds) => {
            format!("{text}  ({})", time(Timestamp::from_unix_seconds(seconds)))
        }
        Some(_) | None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members(value: Value) -> Map<String, Value> {
        let Value::Object(members) = value else {
            panic!("not an object");
        };
        members
    }

    #[test]
    fn what_a_token_says_is_told_with_a_warning() {
        let header = members(json!({"alg": "ES256", "typ": "at+jwt"}));
        let claims =
            members(json!({"exp": 1_800_000_000, "roles": ["admin"], "sub": "a\u{1b}[2J"}));
        insta::assert_snapshot!(inspected(&header, &claims), @r#"
        NOT VERIFIED: anybody can write such a token

        header
          alg  ES256
          typ  at+jwt

        claims
          exp    1800000000  (2027-01-15T08:00:00Z)
          roles  ["admin"]
          sub    a�[2J
        "#);
    }

    #[test]
    fn a_verdict_says_why() {
        let refused = Verdict::refused(Some("access"), "the token has expired".to_owned());
        insta::assert_snapshot!(refused.table(), @"
        not valid: the token has expired
        kind  access
        ");
        assert!(!refused.is_valid());
        let ended = SessionVerdict::Ended(EndReason::Logout);
        assert_eq!(
            ended.reason().as_deref(),
            Some("its session has ended: logout")
        );
        assert_eq!(SessionVerdict::Live.reason(), None);
    }
}
