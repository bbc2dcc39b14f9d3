//! E-mail addresses.

use super::text;

/// An address with exactly one `@`, at most 254 bytes (RFC 5321 §4.5.3.1). Unique by its key:
/// nobody's mail server tells `Ann@` from `ann@`, and people type both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    address: String,
    key: String,
}

/// The longest address, in bytes: a path of 256 without its angle brackets.
const MAX_BYTES: usize = 254;
/// The longest part before the `@`, in bytes (RFC 5321 §4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;

impl Email {
    /// Parses an address somebody typed.
    pub fn parse(input: &str) -> Result<Self, InvalidEmail> {
        if input.len() > MAX_BYTES {
            return Err(InvalidEmail::TooLong);
        }
        let address = text::display_form(input);
        let key = text::address_key(&address);
        // The key is checked too, because folding can reveal a second `@` or a space.
        for form in [&address, &key] {
            check(form)?;
        }
        Ok(Self { address, key })
    }

    /// Wraps an address that was read from storage, with its key.
    pub const fn from_stored(address: String, key: String) -> Self {
        Self { address, key }
    }

    /// The address as its owner writes it.
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// What uniqueness is decided by.
    pub fn key(&self) -> &str {
        &self.key
    }
}

fn check(address: &str) -> Result<(), InvalidEmail> {
    if address
        .chars()
        .any(|c| c.is_whitespace() || text::is_forbidden(c))
    {
        return Err(InvalidEmail::Character);
    }
    let (local, domain) = address.split_once('@').ok_or(InvalidEmail::Form)?;
    let labels_are_good = domain
        .split('.')
        .all(|l| !l.is_empty() && !l.starts_with('-') && !l.ends_with('-'));
    if local.is_empty() || domain.contains('@') || !labels_are_good {
        return Err(InvalidEmail::Form);
    }
    if local.len() > MAX_LOCAL_BYTES || address.len() > MAX_BYTES {
        return Err(InvalidEmail::TooLong);
    }
    if address.chars().any(|c| {
        matches!(
            c,
            '"' | '(' | ')' | ',' | ':' | ';' | '<' | '>' | '[' | ']' | '\\'
        )
    }) {
        return Err(InvalidEmail::Character);
    }
    Ok(())
}

/// Why a text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidEmail {
    /// Not of the form `local@domain`.
    #[error("must be an address like name@example.com")]
    Form,
    /// Longer than mail can carry.
    #[error("must have at most 254 bytes, 64 before the @")]
    TooLong,
    /// White space, a control character, or one that would need quoting.
    #[error("must not contain white space, control, invisible or quoting characters")]
    Character,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S94: one `@`, whatever normalisation reveals.
    #[test]
    fn addresses_are_parsed() {
        for good in [
            "a@b",
            "ann+x@example.com",
            "用户@例え.jp",
            "o'brien@example.co.uk",
        ] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", InvalidEmail::Form),
            ("a", InvalidEmail::Form),
            ("@b", InvalidEmail::Form),
            ("a@", InvalidEmail::Form),
            ("a@b@c", InvalidEmail::Form),
            ("a@b＠c", InvalidEmail::Form),
            ("a@b..c", InvalidEmail::Form),
            ("a@-b", InvalidEmail::Form),
            ("a b@c", InvalidEmail::Character),
            ("a@b\r\nBcc: x@y", InvalidEmail::Character),
            ("a@b\0", InvalidEmail::Character),
            ("a@b\u{34f}", InvalidEmail::Character),
            ("a@b\u{3002}\u{3002}c", InvalidEmail::Form),
            ("\"a\"@b", InvalidEmail::Character),
            (&format!("{}@b", "x".repeat(65)), InvalidEmail::TooLong),
            (&format!("a@{}", "x".repeat(254)), InvalidEmail::TooLong),
        ] {
            assert_eq!(Email::parse(bad), Err(why), "{bad:?}");
        }
        assert_eq!(
            Email::parse("Ann@Example.COM").map(|e| e.key().to_owned()),
            Ok("ann@example.com".to_owned())
        );
    }
}
