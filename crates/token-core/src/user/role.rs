//! Roles.

use std::fmt;

/// A role: 1 to 64 of `a-z 0-9 _ - : .`, for example `admin`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Role(String);

impl Role {
    /// Parses a role's name.
    pub fn parse(input: &str) -> Result<Self, InvalidRole> {
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-:.".contains(&b);
        if (1..=64).contains(&input.len()) && input.bytes().all(good) {
            Ok(Self(input.to_owned()))
        } else {
            Err(InvalidRole)
        }
    }

    /// The role's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role has 1 to 64 of the characters a-z 0-9 _ - : .")]
pub struct InvalidRole;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_plain_words() {
        assert!(Role::parse("billing:read").is_ok());
        for bad in ["", "Admin", "a b", "a,b", "ä", &"x".repeat(65)] {
            assert_eq!(Role::parse(bad), Err(InvalidRole), "{bad:?}");
        }
    }
}
