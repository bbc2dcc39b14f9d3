//! Profile claims: what an access token says of its user beyond who it is.

use serde_json::{Map, Value, json};

use crate::user::User;

/// A member of a user that a claim can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserField {
    /// The user's id.
    Id,
    /// The user name.
    Username,
    /// The e-mail address.
    Email,
    /// Whether the address is verified.
    EmailVerified,
    /// The full name.
    FullName,
    /// When the account was made.
    CreatedAt,
}

impl UserField {
    const ALL: [(&'static str, Self); 6] = [
        ("id", Self::Id),
        ("username", Self::Username),
        ("email", Self::Email),
        ("email_verified", Self::EmailVerified),
        ("full_name", Self::FullName),
        ("created_at", Self::CreatedAt),
    ];

    fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, field)| *field)
    }

    fn value(self, user: &User) -> Value {
        match self {
            Self::Id => json!(user.id),
            Self::Username => json!(user.username.as_str()),
            Self::Email => json!(user.email.as_str()),
            Self::EmailVerified => json!(user.email_verified),
            Self::FullName => json!(user.full_name.as_str()),
            Self::CreatedAt => json!(user.created_at),
        }
    }
}

/// Claims that say who may do what, or until when: no mapping may set them (RFC 7519 §4.1,
/// RFC 9068 §2.2, RFC 9449, RFC 8693, `OpenID` Connect, Token Status List).
const RESERVED: [&str; 35] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "sid",
    "scope",
    "roles",
    "groups",
    "entitlements",
    "auth_time",
    "amr",
    "acr",
    "azp",
    "nonce",
    "at_hash",
    "c_hash",
    "cnf",
    "act",
    "may_act",
    "status",
    "events",
    "toe",
    "txn",
    "sub_id",
    "gen",
    "max",
    "transport",
    "token_introspection",
    "authorization_details",
    "active",
    "token_type",
];

/// Which claims carry which member of the user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileClaims(Vec<(String, UserField)>);

impl Default for ProfileClaims {
    fn default() -> Self {
        Self(vec![
            ("email".to_owned(), UserField::Email),
            ("username".to_owned(), UserField::Username),
            ("full_name".to_owned(), UserField::FullName),
        ])
    }
}

impl ProfileClaims {
    /// No profile claims.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Parses pairs of claim name and user member.
    pub fn parse<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, InvalidProfileClaim> {
        pairs
            .into_iter()
            .map(|(claim, source)| {
                if claim.is_empty() || claim.len() > 64 || claim.chars().any(char::is_control) {
                    return Err(InvalidProfileClaim::Name(claim.to_owned()));
                }
                if RESERVED.contains(&claim) {
                    return Err(InvalidProfileClaim::Reserved(claim.to_owned()));
                }
                UserField::parse(source)
                    .map(|field| (claim.to_owned(), field))
                    .ok_or_else(|| InvalidProfileClaim::Source(source.to_owned()))
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The claims of a user.
    pub fn of(&self, user: &User) -> Map<String, Value> {
        self.0
            .iter()
            .map(|(claim, field)| (claim.clone(), field.value(user)))
            .collect()
    }

    /// Pairs of claim name and user member, as [`Self::parse`] takes them.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &'static str)> {
        self.0.iter().map(|(claim, field)| {
            let name = UserField::ALL
                .iter()
                .find(|(_, f)| f == field)
                .map_or("", |(n, _)| n);
            (claim.as_str(), name)
        })
    }
}

/// A mapping of claims that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProfileClaim {
    /// Not a usable name.
    #[error("`{0}` is not a claim name of 1 to 64 characters")]
    Name(String),
    /// A name that decides something.
    #[error("the claim `{0}` is reserved and cannot be mapped")]
    Reserved(String),
    /// Not a member of a user.
    #[error("`{0}` is not one of id, username, email, email_verified, full_name, created_at")]
    Source(String),
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::id::UserId;
    use crate::time::Timestamp;
    use crate::user::{Email, FullName, Username};

    /// S24: no mapping reaches a registered or security claim.
    #[test]
    fn reserved_claims_cannot_be_mapped() {
        for name in RESERVED {
            assert_eq!(
                ProfileClaims::parse([(name, "email")]),
                Err(InvalidProfileClaim::Reserved(name.to_owned()))
            );
        }
    }

    #[test]
    fn mappings_are_parsed() {
        let pairs = [
            ("_id", "id"),
            ("email", "email"),
            ("username", "username"),
            ("fullname", "full_name"),
        ];
        let claims = ProfileClaims::parse(pairs).unwrap();
        assert_eq!(claims.pairs().collect::<Vec<_>>(), pairs);
        assert_eq!(
            ProfileClaims::parse([("x", "password_hash")]),
            Err(InvalidProfileClaim::Source("password_hash".to_owned()))
        );
        for bad in ["", "a\u{7}", &"x".repeat(65)] {
            assert_eq!(
                ProfileClaims::parse([(bad, "id")]),
                Err(InvalidProfileClaim::Name(bad.to_owned()))
            );
        }
        assert!(ProfileClaims::parse([("x".repeat(64).as_str(), "id")]).is_ok());
    }

    #[test]
    fn claims_carry_what_they_are_mapped_to() {
        let user = User {
            id: UserId::from_uuid(Uuid::from_u128(7)),
            username: Username::parse("ada").unwrap(),
            email: Email::parse("ada@example.com").unwrap(),
            full_name: FullName::parse("Ada Lovelace").unwrap(),
            email_verified: true,
            roles: Vec::new(),
            created_at: Timestamp::from_unix_seconds(1_000_000_000),
            disabled_at: None,
        };
        let all = UserField::ALL.map(|(name, _)| (name, name));
        assert_eq!(
            Value::from(ProfileClaims::parse(all).unwrap().of(&user)),
            json!({
                "id": "00000000-0000-0000-0000-000000000007",
                "username": "ada",
                "email": "ada@example.com",
                "email_verified": true,
                "full_name": "Ada Lovelace",
                "created_at": "2001-09-09T01:46:40Z",
            })
        );
    }
}
