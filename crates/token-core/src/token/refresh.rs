//! Refresh tokens: signed, so that junk and expired ones never reach the database; their `jti` is
//! the secret.

use jsonwebtoken::{Algorithm, Header};
use serde::{Deserialize, Serialize};

use crate::id::{ClientId, SessionId, UserId};
use crate::key::{RefreshKey, RefreshKeys};
use crate::secret::{RefreshSecret, SecretString};
use crate::session::{Session, Transport};
use crate::time::Timestamp;
use crate::token::jws::{Compact, JwsError};
use crate::token::rotation::Presented;

/// The `typ` header of a refresh token: never mistaken for an access token (RFC 8725 §3.11).
pub const TYP: &str = "rt+jwt";

/// The claims, in the order in which they are written.
#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    sid: String,
    client_id: String,
    transport: Transport,
    #[serde(rename = "gen")]
    generation: u64,
    jti: String,
    iat: i64,
    exp: i64,
    max: i64,
}

/// Why a text is not a refresh token of this issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRefreshToken {
    /// Not a token that we made, or one made for something else.
    #[error("not a refresh token of this issuer")]
    Invalid,
    /// Signed, if at all, with a key that is not known here.
    #[error("the refresh token's key is not known here")]
    UnknownKey,
    /// Ours, and past its `exp`.
    #[error("the refresh token has expired")]
    Expired,
}

impl From<JwsError> for InvalidRefreshToken {
    fn from(_: JwsError) -> Self {
        Self::Invalid
    }
}

/// Writes the refresh token of a session as its row stands. `iat`, `exp` and `max` come from the
/// row, so the token is the same however often it is written.
pub fn mint(
    issuer: &str,
    key: &RefreshKey,
    session: &Session,
    secret: &RefreshSecret,
) -> SecretString {
    let header = Header {
        typ: Some(TYP.to_owned()),
        kid: Some(key.kid().as_str().to_owned()),
        ..Header::new(Algorithm::HS256)
    };
    let claims = Claims {
        iss: issuer.to_owned(),
        sub: session.user_id.to_string(),
        sid: session.id.to_string(),
        client_id: session.client_id.as_str().to_owned(),
        transport: session.transport,
        generation: session.generation,
        jti: secret.to_claim(),
        iat: session.rotated_at.unix_seconds(),
        exp: session.expires_at.unix_seconds(),
        max: session.max_expires_at.unix_seconds(),
    };
    #[expect(
        clippy::expect_used,
        reason = "strings and integers always serialize, and an HMAC key of 32 bytes always signs"
    )]
    let token = jsonwebtoken::encode(&header, &claims, key.signing())
        .expect("a refresh token can be encoded");
    token.into()
}

/// Verifies a refresh token except for its `exp`: enough to end its session.
pub fn verify_whenever(
    issuer: &str,
    keys: &RefreshKeys,
    token: &str,
) -> Result<Presented, InvalidRefreshToken> {
    let compact = Compact::parse(token)?;
    if !compact.has_typ(TYP) || compact.alg() != "HS256" {
        return Err(InvalidRefreshToken::Invalid);
    }
    let kid = compact.kid().ok_or(InvalidRefreshToken::Invalid)?;
    let key = keys.get(kid).ok_or(InvalidRefreshToken::UnknownKey)?;
    let members = compact.verify(Algorithm::HS256, key.verifying())?;
    let claims: Claims = serde_json::from_value(serde_json::Value::Object(members))
        .map_err(|_| InvalidRefreshToken::Invalid)?;
    if claims.iss != issuer {
        return Err(InvalidRefreshToken::Invalid);
    }
    let ids = claims
        .sub
        .parse::<UserId>()
        .ok()
        .zip(claims.sid.parse::<SessionId>().ok());
    let secret = RefreshSecret::from_claim(&claims.jti);
    let ((user_id, session_id), secret) = ids.zip(secret).ok_or(InvalidRefreshToken::Invalid)?;
    Ok(Presented {
        session_id,
        user_id,
        client_id: ClientId::from_trusted(claims.client_id),
        transport: claims.transport,
        generation: claims.generation,
        secret,
        expires_at: Timestamp::from_unix_seconds(claims.exp.min(claims.max)),
    })
}

/// Verifies a refresh token that came over `transport` for `client`, at `now`.
pub fn verify(
    issuer: &str,
    keys: &RefreshKeys,
    token: &str,
    transport: Transport,
    client: &ClientId,
    now: Timestamp,
) -> Result<Presented, InvalidRefreshToken> {
    let presented = verify_whenever(issuer, keys, token)?;
    if presented.transport != transport || presented.client_id != *client {
        return Err(InvalidRefreshToken::Invalid);
    }
    if presented.expires_at <= now {
        return Err(InvalidRefreshToken::Expired);
    }
    Ok(presented)
}
