//! User names.

use super::text;

/// A name a user chose: 1 to 64 characters of any script, no `@`, no white space, nothing
/// invisible. Unique by its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Username {
    name: String,
    key: String,
}

/// The longest name, in code points.
const MAX_CHARS: usize = 64;

impl Username {
    /// Parses a name somebody asked for.
    pub fn parse(input: &str) -> Result<Self, InvalidUsername> {
        if input.is_empty() {
            return Err(InvalidUsername::Empty);
        }
        if is_too_long(input) {
            return Err(InvalidUsername::TooLong);
        }
        if input.contains('@') {
            return Err(InvalidUsername::At);
        }
        if input
            .chars()
            .any(|c| c.is_whitespace() || text::is_forbidden(c))
        {
            return Err(InvalidUsername::Character);
        }
        let name = text::display_form(input);
        // What is shown is the name, and some characters are written as several there.
        if is_too_long(&name) {
            return Err(InvalidUsername::TooLong);
        }
        let key = text::comparison_key(&name);
        // Folding can reveal what the raw text hid: a full-width `@`, a space inside a ligature.
        if key.is_empty() || key.contains('@') || key.chars().any(char::is_whitespace) {
            return Err(InvalidUsername::Character);
        }
        Ok(Self { name, key })
    }

    /// Wraps a name that was read from storage, with its key.
    pub const fn from_stored(name: String, key: String) -> Self {
        Self { name, key }
    }

    /// The name as its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// What uniqueness is decided by.
    pub fn key(&self) -> &str {
        &self.key
    }
}

/// Looks at no more characters than it has to.
fn is_too_long(name: &str) -> bool {
    name.chars().take(MAX_CHARS + 1).count() > MAX_CHARS
}

/// Why a text is not a user name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUsername {
    /// Nothing at all.
    #[error("must not be empty")]
    Empty,
    /// More than 64 characters.
    #[error("must have at most 64 characters")]
    TooLong,
    /// An `@`, which would make it look like an e-mail address.
    #[error("must not contain @")]
    At,
    /// White space, a control character or an invisible one.
    #[error("must not contain white space, control or invisible characters")]
    Character,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S94: names of any script, nothing that hides.
    #[test]
    fn names_are_parsed() {
        for good in [
            "a",
            "alice",
            "Ἀθηνᾶ",
            "山田太郎",
            "می\u{200c}خواهم",
            "o'brien-42",
            &"x".repeat(64),
        ] {
            assert!(Username::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", InvalidUsername::Empty),
            ("a b", InvalidUsername::Character),
            ("a\u{a0}b", InvalidUsername::Character),
            ("a\0", InvalidUsername::Character),
            ("a\nb", InvalidUsername::Character),
            ("a\u{200b}b", InvalidUsername::Character),
            ("a\u{202e}b", InvalidUsername::Character),
            ("a\u{feff}", InvalidUsername::Character),
            ("\u{200d}", InvalidUsername::Character),
            ("ada\u{34f}", InvalidUsername::Character),
            ("ada\u{115f}", InvalidUsername::Character),
            ("\u{3164}", InvalidUsername::Character),
            ("\u{2800}", InvalidUsername::Character),
            ("a＠b", InvalidUsername::Character),
            ("a\u{e000}", InvalidUsername::Character),
            ("a@b", InvalidUsername::At),
            (&"x".repeat(65), InvalidUsername::TooLong),
            (&"\u{fb2c}".repeat(22), InvalidUsername::TooLong),
        ] {
            assert_eq!(Username::parse(bad), Err(why), "{bad:?}");
        }
    }
}
