//! The claims of an access token.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::id::{ClientId, SessionId};
use crate::token::status_list::StatusClaim;
use crate::token::subject::Subject;

/// What an access token says, in the order in which it is written (RFC 9068 §2.2).
#[derive(Debug, Clone, Serialize)]
pub struct AccessClaims {
    /// Who issued it.
    pub iss: String,
    /// Whose it is.
    pub sub: Subject,
    /// Whom it is for.
    pub aud: String,
    /// Until when it is accepted, in seconds.
    pub exp: i64,
    /// When it was made, in seconds.
    pub iat: i64,
    /// Its own name: 128 random bits.
    pub jti: String,
    /// Which client asked for it.
    pub client_id: ClientId,
    /// The session it belongs to: what the revocation set is asked for.
    pub sid: SessionId,
    /// Scope values separated by spaces. There is no empty one (RFC 6749 §3.3), and verifiers
    /// refuse it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub scope: String,
    /// The user's roles. An empty list says as much as none (RFC 7643 §2.5), and verifiers refuse
    /// it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// When the user last proved who they are, in seconds; a client's own token has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How (RFC 8176); a client's own token has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// Where its status is told; sessions that were opened before there were lists have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<StatusClaim>,
    /// What the operator chose to say of the user; never one of the above.
    #[serde(flatten)]
    pub profile: Map<String, Value>,
}
