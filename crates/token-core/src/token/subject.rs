//! Whom an access token speaks for.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::id::{ClientId, UserId};

/// The `sub` claim: a user, or a client that speaks for itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A user.
    User(UserId),
    /// A client that got its token with its own credentials, for no user (RFC 6749 §4.4).
    Client(ClientId),
}

impl Subject {
    /// Reads a `sub` claim beside its `client_id`. A client speaks for itself exactly when both
    /// are the same (RFC 9068 §2.2 and §5); everything else must be a user.
    pub fn from_claims(sub: &str, client_id: &ClientId) -> Option<Self> {
        if sub.is_empty() {
            None
        } else if sub == client_id.as_str() {
            Some(Self::Client(client_id.clone()))
        } else {
            sub.parse().ok().map(Self::User)
        }
    }

    /// The user, if it is one.
    pub const fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(*id),
            Self::Client(_) => None,
        }
    }

    /// The client, if it speaks for itself.
    pub const fn client_id(&self) -> Option<&ClientId> {
        match self {
            Self::User(_) => None,
            Self::Client(id) => Some(id),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => id.fmt(f),
            Self::Client(id) => id.fmt(f),
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "0190b0a0-0000-7000-8000-000000000001";

    fn subject(sub: &str, client: &str) -> Option<Subject> {
        Subject::from_claims(sub, &ClientId::from_trusted(client.to_owned()))
    }

    #[test]
    fn a_client_speaks_for_itself_only_under_its_own_name() {
        let machine = subject("client-1", "client-1").unwrap();
        assert_eq!(machine.client_id().unwrap().as_str(), "client-1");
        assert_eq!(machine.user_id(), None);
        let user = subject(USER, "client-1").unwrap();
        assert_eq!(user.user_id().unwrap().to_string(), USER);
        assert_eq!(user.client_id(), None);
        for (sub, client) in [("client-2", "client-1"), ("", ""), ("", "client-1")] {
            assert_eq!(subject(sub, client), None, "{sub:?} {client:?}");
        }
    }

    #[test]
    fn it_is_written_as_the_claim_is() {
        for (sub, client) in [("client-1", "client-1"), (USER, "renewd")] {
            let subject = subject(sub, client).unwrap();
            assert_eq!(serde_json::to_value(&subject).unwrap(), sub);
            assert_eq!(subject.to_string(), sub);
        }
    }
}
