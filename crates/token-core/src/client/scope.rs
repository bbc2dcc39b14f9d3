//! Scopes: what a token is good for (RFC 6749 §3.3).

use std::collections::BTreeSet;
use std::fmt;

/// How many values a scope may have, and how long it may be: every token of its client carries it.
const MOST_VALUES: usize = 32;
const MOST_BYTES: usize = 1_024;

/// A set of scope values. It has one spelling: sorted, each value once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope(BTreeSet<String>);

/// The text is not a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be words of visible ASCII without \" and \\, separated by single spaces: 32 words and \
     1,024 characters at most"
)]
pub struct InvalidScope;

impl Scope {
    /// Parses values separated by single spaces. The empty text is the empty scope.
    pub fn parse(text: &str) -> Result<Self, InvalidScope> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        // RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ).
        let is_value = |value: &str| {
            let good = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e);
            !value.is_empty() && value.bytes().all(good)
        };
        let values: BTreeSet<&str> = text.split(' ').collect();
        let fits = text.len() <= MOST_BYTES && values.len() <= MOST_VALUES;
        if fits && values.iter().all(|value| is_value(value)) {
            Ok(Self(values.into_iter().map(str::to_owned).collect()))
        } else {
            Err(InvalidScope)
        }
    }

    /// Whether every value of this one is one of the other's.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// Whether it has this value.
    pub fn contains(&self, value: &str) -> bool {
        self.0.contains(value)
    }

    /// Whether it has no values.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values, sorted.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, value) in self.values().enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            f.write_str(value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_has_one_spelling() {
        let scope = Scope::parse("write read:all write").unwrap();
        assert_eq!(scope.to_string(), "read:all write");
        assert_eq!(Scope::parse(&scope.to_string()), Ok(scope));
        assert_eq!(Scope::parse("").unwrap(), Scope::default());
        assert!(Scope::default().is_empty() && !Scope::parse("a").unwrap().is_empty());
        let many: Vec<_> = (0..33).map(|n| n.to_string()).collect();
        for bad in [
            " ", "a  b", " a", "a ", "a\tb", "a\"b", "a\\b", "ä", "a\0", "a\nb",
        ] {
            assert_eq!(Scope::parse(bad), Err(InvalidScope), "{bad:?}");
        }
        assert_eq!(Scope::parse(&many.join(" ")), Err(InvalidScope));
        assert_eq!(Scope::parse(&"x".repeat(1_025)), Err(InvalidScope));
    }

    /// S63: narrower is within, wider is not.
    #[test]
    fn narrowing_is_told_from_widening() {
        let scope = |text| Scope::parse(text).unwrap();
        for (asked, is_within) in [("", true), ("b", true), ("b a", true), ("a c", false)] {
            assert_eq!(scope(asked).is_within(&scope("a b")), is_within, "{asked}");
        }
        assert!(scope("a b").contains("a") && !scope("ab").contains("a"));
    }
}
