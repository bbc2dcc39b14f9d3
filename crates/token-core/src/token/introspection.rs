//! What introspection says of a token (RFC 7662 §2.2), plain or signed (RFC 9701 §5).

use serde::Serialize;

use crate::id::{ClientId, SessionId};
use crate::key::AccessKey;
use crate::secret::SecretString;
use crate::session::Session;
use crate::time::Timestamp;
use crate::token::access::VerifiedAccess;
use crate::token::subject::Subject;
use crate::user::User;

/// The `typ` header of a signed answer, and its media type without `application/`.
pub const TYP: &str = "token-introspection+jwt";

/// An answer. Of a token that is not active nothing is said but that.
#[derive(Debug, Clone, Serialize)]
pub struct Introspection {
    active: bool,
    #[serde(flatten)]
    token: Option<ActiveToken>,
}

/// What an active token says, in the members of RFC 7662 §2.2.
#[derive(Debug, Clone, Serialize)]
pub struct ActiveToken {
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
    client_id: ClientId,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    exp: i64,
    iat: i64,
    sub: Subject,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<String>,
    iss: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    sid: SessionId,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<String>,
}

/// The claims of a signed answer. `sub` and `exp` stay inside, so that it is never taken for a
/// token (RFC 9701 §5).
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a ClientId,
    iat: i64,
    token_introspection: &'a Introspection,
}

impl Introspection {
    /// The token is good for nothing, or none of the asking client's business.
    pub const fn inactive() -> Self {
        Self {
            active: false,
            token: None,
        }
    }

    /// The token is active.
    pub const fn active(token: ActiveToken) -> Self {
        Self {
            active: true,
            token: Some(token),
        }
    }

    /// Whether the token is active.
    pub const fn is_active(&self) -> bool {
        self.active
    }

    /// The answer as a JWT for the client that asked, and for nobody else.
    pub fn sign(
        &self,
        key: &AccessKey,
        issuer: &str,
        client: &ClientId,
        now: Timestamp,
    ) -> SecretString {
        let claims = Claims {
            iss: issuer,
            aud: client,
            iat: now.unix_seconds(),
            token_introspection: self,
        };
        key.sign(TYP, &claims).into()
    }
}

impl ActiveToken {
    /// An access token, whose roles are those of its user at this moment.
    pub(crate) fn of_access(
        access: VerifiedAccess,
        user: Option<&User>,
        iss: String,
        aud: String,
    ) -> Self {
        let roles = user.map(|user| user.roles.iter().map(|r| r.as_str().to_owned()).collect());
        Self {
            scope: access.scope,
            client_id: access.client_id,
            username: user.map(|user| user.username.as_str().to_owned()),
            token_type: Some("Bearer"),
            exp: access.expires_at.unix_seconds(),
            iat: access.issued_at.unix_seconds(),
            sub: access.subject,
            aud: Some(aud),
            iss,
            jti: Some(access.jti),
            sid: access.session_id,
            roles,
            auth_time: access.authenticated_at.map(Timestamp::unix_seconds),
            amr: access.amr,
        }
    }

    /// A refresh token. Its `jti` is what makes it work, so it is never told.
    pub(crate) fn of_refresh(session: &Session, user: &User, iss: String) -> Self {
        Self {
            scope: session.scope.clone(),
            client_id: session.client_id.clone(),
            username: Some(user.username.as_str().to_owned()),
            token_type: None,
            exp: session.expires_at.unix_seconds(),
            iat: session.rotated_at.unix_seconds(),
            sub: Subject::User(user.id),
            aud: None,
            iss,
            jti: None,
            sid: session.id,
            roles: None,
            auth_time: Some(session.authenticated_at.unix_seconds()),
            amr: session.amr.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S106: nothing but `{"active":false}`.
    #[test]
    fn of_a_dead_token_nothing_is_said() {
        let answer = serde_json::to_string(&Introspection::inactive()).unwrap();
        assert_eq!(answer, r#"{"active":false}"#);
        assert!(!Introspection::inactive().is_active());
    }

    #[test]
    fn an_active_token_says_that_it_is() {
        let answer = Introspection::active(ActiveToken {
            scope: String::new(),
            client_id: ClientId::first_party(),
            username: None,
            token_type: None,
            exp: 2,
            iat: 1,
            sub: Subject::Client(ClientId::first_party()),
            aud: None,
            iss: "https://id.example".to_owned(),
            jti: None,
            sid: SessionId::from_uuid(uuid::Uuid::nil()),
            roles: None,
            auth_time: None,
            amr: Vec::new(),
        });
        assert!(answer.is_active());
        let answer = serde_json::to_value(answer).unwrap();
        assert_eq!(answer["active"], true);
        assert_eq!(answer["exp"], 2);
    }
}
