//! User names, addresses, full names, roles, scopes, spans of time and ids.
//!
//! What is accepted is printed and read again as the same; the form in which names are compared is
//! its own form; nothing invisible or with two meanings gets in.

#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use token_core::client::{ClientName, Scope};
use token_core::id::{ClientId, SessionId};
use token_core::time::Lifetime;
use token_core::user::{Email, FullName, Identifier, Role, Username};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    username(&text);
    email(&text);
    identifier(&text);
    if let Ok(name) = FullName::parse(&text) {
        assert_eq!(FullName::parse(name.as_str()).as_ref(), Ok(&name));
        assert!(!name.as_str().chars().any(char::is_control));
    }
    if let Ok(role) = Role::parse(&text) {
        assert_eq!(role.as_str(), text, "roles are taken as they are");
    }
    if let Ok(name) = ClientName::parse(&text) {
        assert_eq!(ClientName::parse(name.as_str()).as_ref(), Ok(&name));
    }
    if let Ok(scope) = Scope::parse(&text) {
        assert!(text.len() <= 1_024);
        assert_eq!(Scope::parse(&scope.to_string()).as_ref(), Ok(&scope));
        assert!(scope.values().all(|value| scope.contains(value)));
    }
    if let Some(id) = ClientId::parse_registered(&text) {
        assert_eq!(id.as_str(), text);
        assert!(!id.is_first_party());
    }
    printed_and_read::<Lifetime>(&text);
    if let Ok(id) = text.parse::<SessionId>() {
        assert_eq!(id.to_string(), text, "an id has one spelling");
    }
});

fn username(text: &str) {
    let Ok(name) = Username::parse(text) else {
        return;
    };
    assert_eq!(Username::parse(name.as_str()).as_ref(), Ok(&name));
    assert!(!name.key().is_empty() && !name.key().contains(['@', '\0', ' ', '\n']));
    // A login finds the account by the name as it was given, and by its key.
    assert_eq!(Identifier::username(text).key(), name.key());
    assert_eq!(Identifier::username(name.key()).key(), name.key());
}

fn email(text: &str) {
    let Ok(email) = Email::parse(text) else {
        return;
    };
    assert!(email.as_str().len() <= 254 && email.key().len() <= 254);
    assert_eq!(Email::parse(email.as_str()).as_ref(), Ok(&email));
    assert_eq!(email.key().matches('@').count(), 1);
    assert!(
        !email
            .as_str()
            .contains(['\r', '\n', '\0', ' ', ',', ';', '<', '>'])
    );
    assert_eq!(Identifier::email(text).key(), email.key());
    assert_eq!(Identifier::either(text), Identifier::email(text));
}

fn identifier(text: &str) {
    let found = Identifier::either(text);
    let key = found.key();
    // No account has white space in its key; around it, it would be trimmed.
    if !key.contains(char::is_whitespace) && key.len() <= 1_024 {
        assert_eq!(Identifier::either(key).key(), key, "keys are stable");
    }
}

fn printed_and_read<T>(text: &str)
where
    T: FromStr + Display + PartialEq + Debug,
    T::Err: Debug,
{
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string().parse::<T>().expect("our own text"), value);
    }
}
