//! Typed identifiers: a session id can never be passed where a user id is meant.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::{Builder, Uuid};

use crate::random::{self, Entropy};
use crate::time::Timestamp;

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new version 7 UUID (RFC 9562 §5.7). It tells its age, so it is never a secret.
            pub fn generate(now: Timestamp, entropy: &dyn Entropy) -> Self {
                let millis = u64::try_from(now.as_micros() / 1_000).unwrap_or(0);
                let mut random = [0_u8; 10];
                entropy.fill(&mut random);
                Self(Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }

            /// Wraps an id that was read from storage or from a verified token.
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The id as a UUID.
            pub const fn as_uuid(&self) -> &Uuid {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                // Only the hyphenated form in lower case: one id has one spelling.
                if text.len() != 36 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    return Err(InvalidId);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }
    };
}

typed_id!(
    /// A user, the `sub` claim of its tokens.
    UserId
);
typed_id!(
    /// A session, the `sid` claim of its tokens.
    SessionId
);
typed_id!(
    /// An entry of the audit log.
    AuditId
);

/// The text is not a UUID in hyphenated form and lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID")]
pub struct InvalidId;

/// The id of the built-in client.
const FIRST_PARTY: &str = "renewd";
/// How the ids of registered clients begin.
const REGISTERED: &str = "client-";

/// An OAuth client, the `client_id` claim (RFC 9068 §2.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(String);

impl ClientId {
    /// The client that sessions opened by renewd's own login belong to.
    pub fn first_party() -> Self {
        Self(FIRST_PARTY.to_owned())
    }

    /// A new registered client: `client-` and 128 random bits, which is no UUID, so that no client
    /// can be taken for a user.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let bits = u128::from_be_bytes(random::bytes(entropy));
        Self(format!("{REGISTERED}{bits:032x}"))
    }

    /// Reads the id of a registered client as somebody sends it; `None` if it cannot be one.
    pub fn parse_registered(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(REGISTERED)?;
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (digits.len() == 32 && digits.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// Whether it is the built-in client, which has no secret.
    pub fn is_first_party(&self) -> bool {
        self.0 == FIRST_PARTY
    }

    /// Wraps a client id that was read from storage or from a verified token.
    pub fn from_trusted(id: String) -> Self {
        Self(id)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a key, the `kid` header (RFC 7515 §4.1.4).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyId(String);

impl KeyId {
    /// Wraps a key id that renewd computed or read from storage.
    pub fn from_trusted(id: String) -> Self {
        Self(id)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for KeyId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::testing::CountingEntropy;

    #[test]
    fn generated_ids_are_version_7_and_carry_the_time() {
        let now = Timestamp::from_unix_seconds(1_700_000_000);
        let id = UserId::generate(now, &CountingEntropy::default());
        assert_eq!(id.as_uuid().get_version_num(), 7);
        let seconds = id.as_uuid().get_timestamp().map(|t| t.to_unix().0);
        assert_eq!(seconds, Some(1_700_000_000));
    }

    #[test]
    fn registered_clients_have_names_of_their_own() {
        let entropy = CountingEntropy::default();
        let id = ClientId::generate(&entropy);
        assert_eq!(ClientId::parse_registered(id.as_str()), Some(id.clone()));
        assert_ne!(id, ClientId::generate(&entropy));
        assert!(id.as_str().parse::<UserId>().is_err());
        let upper = id.as_str().to_uppercase();
        let long = format!("{id}0");
        for bad in ["", "renewd", "client-", &upper, &long, "client-\0"] {
            assert_eq!(ClientId::parse_registered(bad), None, "{bad:?}");
        }
        assert!(ClientId::first_party().is_first_party() && !id.is_first_party());
    }

    #[test]
    fn one_id_has_one_spelling() {
        let id = SessionId::generate(Timestamp::from_unix_seconds(1), &CountingEntropy::default());
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(
            id.as_uuid()
                .simple()
                .to_string()
                .parse::<SessionId>()
                .is_err()
        );
        assert!(format!("{{{id}}}").parse::<SessionId>().is_err());
        assert!(id.to_string().to_uppercase().parse::<SessionId>().is_err());
    }
}
