//! Names of people.

use super::text;

/// What a person is called: 1 to 200 characters after trimming, nothing invisible. Not unique.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullName(String);

/// The longest name, in code points.
const MAX_CHARS: usize = 200;

impl FullName {
    /// Parses a name, trimming white space around it.
    pub fn parse(input: &str) -> Result<Self, InvalidFullName> {
        let name = text::display_form(input.trim());
        if name.is_empty() {
            return Err(InvalidFullName::Empty);
        }
        if name.chars().take(MAX_CHARS + 1).count() > MAX_CHARS {
            return Err(InvalidFullName::TooLong);
        }
        if name.chars().any(text::is_forbidden) || text::comparison_key(&name).is_empty() {
            return Err(InvalidFullName::Character);
        }
        Ok(Self(name))
    }

    /// Wraps a name that was read from storage.
    pub const fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a full name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFullName {
    /// Nothing, or only white space.
    #[error("must not be empty")]
    Empty,
    /// More than 200 characters.
    #[error("must have at most 200 characters")]
    TooLong,
    /// A control character or an invisible one.
    #[error("must not contain control or invisible characters")]
    Character,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_checked() {
        assert_eq!(
            FullName::parse("  Ann Lee ").map(|n| n.0),
            Ok("Ann Lee".to_owned())
        );
        assert_eq!(FullName::parse(" \t "), Err(InvalidFullName::Empty));
        for bad in ["a\u{7}b", "\u{3164}", "\u{2800}", "\u{fe0f}"] {
            assert_eq!(
                FullName::parse(bad),
                Err(InvalidFullName::Character),
                "{bad:?}"
            );
        }
        assert!(FullName::parse("Ann \u{2764}\u{fe0f}").is_ok());
        assert_eq!(
            FullName::parse(&"x".repeat(201)),
            Err(InvalidFullName::TooLong)
        );
    }
}
