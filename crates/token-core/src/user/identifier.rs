//! What a login calls the account by.

use super::text;

/// A name as typed at login, folded like the names it is compared with. Any text is one: what
/// nobody is called simply finds nobody, at the same cost (no telling error, YARDSTICK S84).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Identifier {
    /// The key of an e-mail address.
    Email(String),
    /// The key of a user name.
    Username(String),
}

/// Longer input than any name: cut before folding, so that it costs little and still matches none.
const MAX_BYTES: usize = 1_024;

impl Identifier {
    /// An e-mail address.
    pub fn email(input: &str) -> Self {
        Self::Email(text::address_key(cut(input)))
    }

    /// A user name.
    pub fn username(input: &str) -> Self {
        Self::Username(text::comparison_key(cut(input)))
    }

    /// Either: an address if it has an `@`, since no user name has one.
    pub fn either(input: &str) -> Self {
        // The sign may be one of those that fold to it.
        if text::comparison_key(cut(input)).contains('@') {
            Self::email(input)
        } else {
            Self::username(input)
        }
    }

    /// The folded text.
    pub fn key(&self) -> &str {
        match self {
            Self::Email(key) | Self::Username(key) => key,
        }
    }
}

fn cut(input: &str) -> &str {
    let end = input.floor_char_boundary(MAX_BYTES);
    input.get(..end).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S89: every spelling of one account is one identifier.
    #[test]
    fn spellings_fold_together() {
        assert_eq!(Identifier::either("ALICE "), Identifier::username("alice"));
        assert_eq!(
            Identifier::either("Ann@Example.com"),
            Identifier::email("ann@EXAMPLE.com")
        );
        assert_eq!(
            Identifier::either("ann＠example.com"),
            Identifier::email("ann@example.com")
        );
        let long = Identifier::either(&"é".repeat(100_000));
        assert!(long.key().len() <= 2 * MAX_BYTES);
    }
}
