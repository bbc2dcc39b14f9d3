//! Registered clients: programs that get and handle tokens under a name and a secret of their own
//! (RFC 6749 §2).

mod scope;
mod secret;

pub use scope::{InvalidScope, Scope};
pub use secret::{ClientSecret, ClientSecretDigest};

use crate::id::{ClientId, KeyId, SessionId, UserId};
use crate::random::{self, Entropy};
use crate::secret::{RefreshDigest, RefreshSecret};
use crate::session::{ClientFacts, Session, Transport};
use crate::time::Timestamp;
use crate::user::text::is_forbidden;

/// A client as it is stored. All of them are confidential (RFC 6749 §2.1): each has a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisteredClient {
    /// The `client_id`.
    pub id: ClientId,
    /// What admins call it.
    pub name: ClientName,
    /// What its secret is compared with.
    pub secret: ClientSecretDigest,
    /// What its tokens may be good for, at the most.
    pub scope: Scope,
    /// When it was registered.
    pub created_at: Timestamp,
    /// The session that its own tokens belong to, for as long as that lives.
    pub session_id: SessionId,
}

impl RegisteredClient {
    /// A new client, the session of its own tokens, and its secret, which nothing can tell again.
    pub fn register(
        name: ClientName,
        scope: Scope,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> (Self, Session, ClientSecret) {
        let id = ClientId::generate(entropy);
        let secret = ClientSecret::generate(entropy);
        let session = Session::of_client(&id, &scope, now, entropy);
        let client = Self {
            id,
            name,
            secret: secret.digest(),
            scope,
            created_at: now,
            session_id: session.id,
        };
        (client, session, secret)
    }
}

/// The `refresh_kid` of sessions that have no refresh token: no key has that name.
pub const NO_REFRESH_KEY: &str = "none";

impl Session {
    /// A session that a client's own tokens belong to, so that they end like those of users do.
    /// Nobody knows its refresh token's `jti`, no key signs it, and its user is nobody. It lasts
    /// until it is ended, or the client is deleted.
    pub fn of_client(
        client: &ClientId,
        scope: &Scope,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Self {
        let nobody = uuid::Builder::from_random_bytes(random::bytes(entropy)).into_uuid();
        let unknown: RefreshDigest = RefreshSecret::generate(entropy).digest();
        Self {
            id: SessionId::generate(now, entropy),
            user_id: UserId::from_uuid(nobody),
            client_id: client.clone(),
            scope: scope.to_string(),
            generation: 0,
            refresh_digest: unknown,
            refresh_kid: KeyId::from_trusted(NO_REFRESH_KEY.to_owned()),
            rotated_at: now,
            recovered_generation: None,
            created_at: now,
            authenticated_at: now,
            expires_at: Timestamp::MAX,
            max_expires_at: Timestamp::MAX,
            ended: None,
            client: ClientFacts::default(),
            transport: Transport::Body,
            remember: false,
            amr: Vec::new(),
            status: None,
        }
    }
}

/// What admins call a client: 1 to 64 characters without control characters, not all blank. It
/// need not be unique; the id is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientName(String);

/// The text is not a client's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to 64 characters, and no control characters")]
pub struct InvalidClientName;

impl ClientName {
    /// Parses a name; white space around it is dropped.
    pub fn parse(text: &str) -> Result<Self, InvalidClientName> {
        let text = text.trim();
        let fits = (1..=64).contains(&text.chars().count());
        if fits && !text.contains(is_forbidden) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidClientName)
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::CountingEntropy;
    use crate::session::SessionState;

    #[test]
    fn a_client_has_a_session_that_nobody_can_refresh() {
        let entropy = CountingEntropy::default();
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let name = ClientName::parse(" billing ").unwrap();
        let scope = Scope::parse("read write").unwrap();
        let (client, session, secret) = RegisteredClient::register(name, scope, now, &entropy);
        assert_eq!(client.name.as_str(), "billing");
        assert!(client.secret == secret.digest());
        assert_eq!(
            (&session.client_id, session.id),
            (&client.id, client.session_id)
        );
        assert_eq!(session.scope, "read write");
        assert_eq!(session.refresh_kid.as_str(), "none");
        let far = now.plus(std::time::Duration::from_hours(24 * 365 * 1_000));
        assert_eq!(session.state(far), SessionState::Live);
    }

    #[test]
    fn names_are_short_lines() {
        for good in ["a", "Billing service", "Züri 山", &"x".repeat(64)] {
            assert!(ClientName::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "  ", "a\nb", "a\u{1b}[2J", "a\0", &"x".repeat(65)] {
            assert!(ClientName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
