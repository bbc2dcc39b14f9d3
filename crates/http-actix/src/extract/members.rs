//! The members of a JSON object, taken one by one into domain types. Every mistake is noted, so
//! that a client learns all of them at once; nothing of a value is repeated in an answer.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::error::fields::Fault;
use crate::problem::{Code, FieldError, Problem};
use crate::state::AppState;

/// The most members that are looked at: several times what any request has, and few enough that
/// looking for one among the others costs nothing.
const MOST: usize = 64;
/// How many unknown or repeated members are told, and how many characters of their names.
const TOLD: usize = 16;
const TOLD_CHARS: usize = 64;

/// A request type that is read from members.
pub trait FromMembers: Sized {
    /// Takes what it needs; `None` only where a mistake was noted. The state is for rules that the
    /// operator sets.
    fn read(members: &mut Members, state: &AppState) -> Option<Self>;
}

/// The members that were not taken yet, and the mistakes so far.
#[derive(Debug, Default)]
pub struct Members {
    left: Vec<(String, Value)>,
    errors: Vec<FieldError>,
}

impl Members {
    /// Parses a body: anything but JSON is malformed, anything but an object invalid.
    pub fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        // The whole text first: what is no JSON is that wherever the mistake stands.
        let value: Value = serde_json::from_slice(bytes).map_err(|_| Code::MalformedJson)?;
        if !value.is_object() {
            let fault = Fault::new("type", "must be an object");
            return Err(Problem::invalid(vec![fault.at("")]));
        }
        let Pairs(pairs) = serde_json::from_slice(bytes).map_err(|_| Code::MalformedJson)?;
        if pairs.len() > MOST {
            let fault = Fault::new("too_many", "must have at most 64 members");
            return Err(Problem::invalid(vec![fault.at("")]));
        }
        let mut members = Self::default();
        for (name, value) in pairs {
            if members.has(&name) {
                members.note_bounded(&name, Fault::new("duplicate", "is there more than once"));
            } else {
                members.left.push((name, value));
            }
        }
        Ok(members)
    }

    /// Whether a member of that name is there and was not taken yet.
    pub fn has(&self, name: &str) -> bool {
        self.left.iter().any(|(known, _)| known == name)
    }

    /// The text of a member, which is left where it is.
    pub fn peek(&self, name: &str) -> Option<&str> {
        let found = self.left.iter().find(|(known, _)| known == name);
        found.and_then(|(_, value)| value.as_str())
    }

    /// Takes a text that must be there, parsed.
    pub fn required<T, E: Into<Fault>>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.required_text(name)?;
        self.parsed(name, parse(&text))
    }

    /// Takes a text that may be there, parsed.
    pub fn optional<T, E: Into<Fault>>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.optional_text(name)?;
        self.parsed(name, parse(&text))
    }

    /// Takes a text that must be there, whatever it says.
    pub fn required_text(&mut self, name: &'static str) -> Option<String> {
        if !self.has(name) {
            self.note(name, Fault::new("missing", "is missing"));
        }
        self.optional_text(name)
    }

    /// Takes a text that may be there, whatever it says.
    pub fn optional_text(&mut self, name: &'static str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => {
                self.note(name, Fault::new("type", "must be a string"));
                None
            }
        }
    }

    /// Takes a truth value that may be there.
    pub fn flag(&mut self, name: &'static str) -> Option<bool> {
        let value = self.take(name)?;
        if !value.is_boolean() {
            self.note(name, Fault::new("type", "must be true or false"));
        }
        value.as_bool()
    }

    /// Notes a mistake.
    pub fn note(&mut self, name: &str, fault: Fault) {
        self.errors.push(fault.at(name));
    }

    /// Ends the reading: members that nobody took are mistakes too.
    pub fn finish<T>(mut self, read: Option<T>) -> Result<T, Problem> {
        for (name, _) in std::mem::take(&mut self.left) {
            self.note_bounded(
                &name,
                Fault::new("unknown", "is not a member of this request"),
            );
        }
        match read {
            Some(read) if self.errors.is_empty() => Ok(read),
            Some(_) | None => Err(Problem::invalid(self.errors)),
        }
    }

    fn parsed<T, E: Into<Fault>>(&mut self, name: &str, parsed: Result<T, E>) -> Option<T> {
        parsed.map_err(|error| self.note(name, error.into())).ok()
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.left.iter().position(|(known, _)| known == name)?;
        Some(self.left.swap_remove(at).1)
    }

    /// Notes a mistake about a name that the client made up.
    fn note_bounded(&mut self, name: &str, fault: Fault) {
        if self.errors.len() < TOLD {
            let name: String = name.chars().take(TOLD_CHARS).collect();
            self.note(&name, fault);
        }
    }
}

/// An object's members in their order, repeated ones included.
struct Pairs(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::ResponseError;
    use actix_web::body::to_bytes;
    use token_core::user::Username;

    use super::*;

    /// Reads `{username, password, label?, remember?}`.
    fn read(body: &str) -> Result<(String, Option<bool>), Problem> {
        let mut members = Members::parse(body.as_bytes())?;
        let username = members.required("username", Username::parse);
        let password = members.required_text("password");
        members.optional_text("label");
        let remember = members.flag("remember");
        let read = username
            .zip(password)
            .map(|(name, _)| (name.as_str().to_owned(), remember));
        members.finish(read)
    }

    async fn told(body: &str) -> String {
        let answer = read(body).unwrap_err().error_response();
        let status = answer.status().as_u16();
        let bytes = to_bytes(answer.into_body()).await.unwrap();
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        let errors = document["errors"].as_array().cloned().unwrap_or_default();
        let errors = errors
            .iter()
            .map(|e| format!(" {}:{}", e["field"], e["code"]));
        format!(
            "{status} {}{}",
            document["code"].as_str().unwrap(),
            errors.collect::<String>()
        )
    }

    #[test]
    fn a_good_body_is_read() {
        let body = r#"{"remember":false,"password":"p","username":"ada"}"#;
        assert_eq!(read(body).unwrap(), ("ada".to_owned(), Some(false)));
        assert_eq!(
            read(r#" {"password":"","username":"ada"} "#).unwrap().1,
            None
        );
    }

    /// S18 S95 S127: what is wrong, all of it at once.
    #[actix_web::test]
    async fn every_mistake_is_told() {
        for (body, expected) in [
            ("", "400 malformed_json"),
            ("{", "400 malformed_json"),
            ("{} {}", "400 malformed_json"),
            ("\u{feff}{}", "400 malformed_json"),
            (r#"{"x":"\ud800"}"#, "400 malformed_json"),
            (&"[".repeat(20_000), "400 malformed_json"),
            ("[]", r#"422 validation_failed "":"type""#),
            ("null", r#"422 validation_failed "":"type""#),
            (
                "{}",
                r#"422 validation_failed "username":"missing" "password":"missing""#,
            ),
            (
                r#"{"username":"a@b","password":7,"remember":"yes","label":null,"more":1}"#,
                r#"422 validation_failed "username":"at" "password":"type" "label":"type" "remember":"type" "more":"unknown""#,
            ),
            (
                r#"{"username":"ada","username":"eve","password":"p"}"#,
                r#"422 validation_failed "username":"duplicate""#,
            ),
        ] {
            assert_eq!(told(body).await, expected, "{body:.40}");
        }
    }

    fn with_more(members: usize, name: impl Fn(usize) -> String) -> String {
        let more: Vec<String> = (0..members)
            .map(|n| format!(r#","{}":0"#, name(n)))
            .collect();
        format!(r#"{{"username":"ada","password":"p"{}}}"#, more.concat())
    }

    /// S127: an answer is short whatever the request, and so is the work.
    #[actix_web::test]
    async fn a_flood_of_members_is_refused() {
        let most = with_more(MOST - 2, |n| n.to_string());
        assert_eq!(told(&most).await.matches("unknown").count(), TOLD);
        for flood in [
            with_more(MOST - 1, |n| n.to_string()),
            with_more(5_000, |n| n.to_string()),
            with_more(5_000, |_| "username".to_owned()),
        ] {
            let expected = r#"422 validation_failed "":"too_many""#;
            assert_eq!(told(&flood).await, expected);
        }
    }
}
