//! Which client is calling? By `client_secret_basic`, `client_secret_post`, or its name alone if it
//! is the built-in one (RFC 6749 §2.3.1).

use std::net::IpAddr;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use token_core::client::ClientSecret;
use token_core::id::ClientId;
use token_core::service::{AuthenticatedClient, ClientRefused, PresentedClient, Service};

use super::form::decode;
use super::{Form, OAuthError};
use crate::state::AppState;

/// A name and a secret out of an `Authorization` header.
pub struct Basic {
    id: String,
    secret: ClientSecret,
}

impl Basic {
    /// What the use cases ask for.
    pub fn at(self, address: Option<IpAddr>) -> PresentedClient {
        PresentedClient {
            id: self.id,
            secret: Some(self.secret),
            address,
        }
    }
}

/// Finds out who is calling.
pub async fn authenticate(
    headers: &HeaderMap,
    form: &Form,
    state: &AppState,
    address: Option<IpAddr>,
) -> Result<AuthenticatedClient, OAuthError> {
    let named = form.get("client_id");
    let posted = form.get("client_secret");
    let presented = match (basic(headers)?, posted) {
        (Some(_), Some(_)) => return Err(OAuthError::TWO_CLIENTS),
        // The name may be there as well, if it is the same.
        (Some(basic), None) if named.is_some_and(|id| id != basic.id) => {
            return Err(OAuthError::TWO_CLIENTS);
        }
        (Some(basic), None) => basic.at(address),
        (None, _) => PresentedClient {
            id: named.ok_or(OAuthError::INVALID_CLIENT)?.to_owned(),
            secret: posted.map(|text| ClientSecret::presented(text.to_owned())),
            address,
        },
    };
    Ok(prove(&state.service, presented).await?)
}

/// Finds out whether a client is what it says. Attempts that fail are in the log by their name, if
/// it could be a client's: anything else may be a secret in the wrong place.
pub async fn prove(
    service: &Service,
    presented: PresentedClient,
) -> Result<AuthenticatedClient, ClientRefused> {
    let named = ClientId::parse_registered(&presented.id);
    let outcome = service.authenticate_client(presented).await;
    if let (Err(ClientRefused::Invalid | ClientRefused::Throttled(_)), Some(client)) =
        (&outcome, named)
    {
        tracing::info!(%client, "a client did not prove who it is");
    }
    outcome
}

/// Whether an `Authorization` header says that a client proves who it is, for routes where there
/// may be another one, which says something else.
pub fn is_basic(headers: &HeaderMap) -> bool {
    let scheme = |value: &HeaderValue| {
        let text = value.as_bytes();
        // HTTP takes the blank off that follows when nothing else does.
        let scheme = text.split(|byte| *byte == b' ').next().unwrap_or_default();
        scheme.eq_ignore_ascii_case(b"basic")
    };
    headers.get_all(header::AUTHORIZATION).any(scheme)
}

/// The name and the secret of an `Authorization` header, if there is one. A header of another
/// scheme, or one that cannot be read, is a failed attempt and not none.
pub fn basic(headers: &HeaderMap) -> Result<Option<Basic>, OAuthError> {
    let mut all = headers.get_all(header::AUTHORIZATION);
    let Some(value) = all.next() else {
        return Ok(None);
    };
    if all.next().is_some() {
        return Err(OAuthError::TWO_CLIENTS);
    }
    let found = value.to_str().ok().and_then(read);
    found.map(Some).ok_or(OAuthError::INVALID_CLIENT)
}

/// RFC 7617 §2, with both parts form-encoded as RFC 6749 §2.3.1 has it. Of ours, only an id that
/// is none changes by decoding.
fn read(value: &str) -> Option<Basic> {
    let (scheme, credentials) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = STANDARD.decode(credentials.trim_matches(' ')).ok()?;
    let at = decoded.iter().position(|byte| *byte == b':')?;
    let (id, secret) = decoded.split_at(at);
    Some(Basic {
        id: decode(id)?,
        secret: ClientSecret::presented(decode(secret.get(1..)?)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_of(credentials: &[u8]) -> String {
        format!("Basic {}", STANDARD.encode(credentials))
    }

    #[test]
    fn both_parts_are_form_encoded() {
        for (credentials, id, secret) in [
            (&b"a:b"[..], "a", "b"),
            (b"a%3Ab:c+d%25", "a:b", "c d%"),
            (b"a:b:c", "a", "b:c"),
            (b"a:", "a", ""),
        ] {
            let found = read(&header_of(credentials)).unwrap();
            assert_eq!((found.id.as_str(), found.secret.expose()), (id, secret));
        }
        let header = header_of(b"a:b").replacen("Basic ", "bAsIc   ", 1);
        assert!(read(&header).is_some());
    }

    #[test]
    fn what_is_no_basic_header_is_none() {
        for bad in [
            "",
            "Basic",
            "Basic ",
            "Basic a:b",
            "Basic YTpi=",
            "Basic YTpi\n",
            "Bearer YTpi",
            "YTpi",
            &header_of(b"ab"),
            &header_of(b"a:\xff"),
            &header_of(b"a%ff:b"),
        ] {
            assert!(read(bad).is_none(), "{bad:?}");
        }
    }
}
